import { RuntimeError } from '../../../base/errors.ts';
import type { ChannelName } from '../../../base/channel-name.ts';
import type { AccountId } from '../../access/principal.ts';
import { ByteReader, ByteWriter } from './byte-codec.ts';
import type { AppendPart, AppendRecord, LogRecord, RecordSubmission, RecordWelcome } from './log-record.ts';

/** Tells a record from what else may have been written to the subject. */
const MARK = 0x5c;
/** Raised when a relay that knows only the form before would judge a record wrongly. */
const FORMAT = 1;
const ID_BYTES = 16;
const KINDS = ['append', 'claim', 'admit', 'expel', 'trim-channel', 'trim-shard'] as const;

/** A submission never takes more in a record than its byte strings and this. */
export const SUBMISSION_OVERHEAD_BYTES = 64;

/** The bytes of a record. */
export function encodeRecord(record: LogRecord): Uint8Array {
  const writer = new ByteWriter(record.kind === 'append' ? payloadBytes(record) : 512);
  writer.varint(MARK);
  writer.varint(FORMAT);
  writer.varint(KINDS.indexOf(record.kind));
  writer.raw(record.id);
  switch (record.kind) {
    case 'append':
      writer.text(record.channel);
      writer.varint(record.storedAtMs);
      writer.varint(record.staleEpochs);
      writer.varint(record.parts.length);
      for (const part of record.parts) writePart(writer, part);
      break;
    case 'claim':
      writer.text(record.channel);
      writer.text(record.account);
      writer.bytes(record.keyPackageRef);
      break;
    case 'admit':
    case 'expel':
      writer.text(record.channel);
      writer.text(record.account);
      break;
    case 'trim-channel':
      writer.text(record.channel);
      writer.varint(record.upToSeq);
      break;
    case 'trim-shard':
      writer.varint(record.upToRecord);
      break;
  }
  return writer.finish();
}

/** The record in `bytes`; its byte strings are views. @throws {@link RuntimeError} `store_damaged`, `data_dir_version` */
export function decodeRecord(bytes: Uint8Array): LogRecord {
  const reader = new ByteReader(bytes);
  if (reader.varint() !== MARK) throw new RuntimeError('store_damaged', 'the log has a message that no relay wrote');
  const format = reader.varint();
  if (format > FORMAT) {
    throw new RuntimeError('data_dir_version', 'the log has records of a newer version of the relay');
  }
  const kind = KINDS[reader.varint()];
  const id = reader.raw(ID_BYTES);
  switch (kind) {
    case 'append':
      return {
        kind,
        id,
        channel: reader.text() as ChannelName,
        storedAtMs: reader.varint(),
        staleEpochs: reader.varint(),
        parts: reader.list(() => readPart(reader)),
      };
    case 'claim': {
      const channel = reader.text() as ChannelName;
      return { kind, id, channel, account: reader.text() as AccountId, keyPackageRef: reader.bytes() };
    }
    case 'admit':
    case 'expel':
      return { kind, id, channel: reader.text() as ChannelName, account: reader.text() as AccountId };
    case 'trim-channel':
      return { kind, id, channel: reader.text() as ChannelName, upToSeq: reader.varint() };
    case 'trim-shard':
      return { kind, id, upToRecord: reader.varint() };
    default:
      throw new RuntimeError('store_damaged', 'the log has a record of an unknown kind');
  }
}

function writePart(writer: ByteWriter, part: AppendPart): void {
  writer.bytes(part.group);
  writer.text(part.account ?? '');
  writer.varint(part.monthStartMs);
  writer.varint(part.reservedUntilMs);
  writer.varint(part.submissions.length);
  for (const { kind, epoch, messageId, payload, welcomes } of part.submissions) {
    writer.varint((kind === 'commit' ? 1 : 0) + (payload === undefined ? 2 : 0));
    writer.varint(epoch);
    writer.bytes(messageId);
    if (payload !== undefined) writer.bytes(payload);
    writer.varint(welcomes.length);
    for (const { keyPackageRefs, content } of welcomes) {
      writer.varint(keyPackageRefs.length);
      for (const ref of keyPackageRefs) writer.bytes(ref);
      const isInline = content instanceof Uint8Array;
      writer.varint(isInline ? 0 : 1);
      if (isInline) writer.bytes(content);
      else writer.rising(content);
    }
  }
}

function readPart(reader: ByteReader): AppendPart {
  const group = reader.bytes();
  const account = reader.text();
  return {
    group,
    account: account === '' ? undefined : (account as AccountId),
    monthStartMs: reader.varint(),
    reservedUntilMs: reader.varint(),
    submissions: reader.list(() => readSubmission(reader)),
  };
}

function readSubmission(reader: ByteReader): RecordSubmission {
  const flags = reader.varint();
  return {
    kind: flags % 2 === 1 ? 'commit' : 'message',
    epoch: reader.varint(),
    messageId: reader.bytes(),
    payload: flags >= 2 ? undefined : reader.bytes(),
    welcomes: reader.list(() => readWelcome(reader)),
  };
}

function readWelcome(reader: ByteReader): RecordWelcome {
  const keyPackageRefs = reader.list(() => reader.bytes());
  return { keyPackageRefs, content: reader.varint() === 0 ? reader.bytes() : reader.rising() };
}

/** What the buffer of a record should hold so that it need not grow. */
function payloadBytes({ channel, parts }: AppendRecord): number {
  let bytes = 64 + channel.length;
  for (const { account = '', submissions } of parts) {
    bytes += 64 + account.length;
    for (const { payload, welcomes } of submissions) {
      bytes += SUBMISSION_OVERHEAD_BYTES + (payload?.length ?? 0);
      for (const { content } of welcomes) if (content instanceof Uint8Array) bytes += content.length + 128;
    }
  }
  return bytes;
}
