import { defaultExtensionTypes } from 'ts-mls/defaultExtensionType.js';
import type { Extension } from 'ts-mls/extension.js';
import type { LeafNode } from 'ts-mls/leafNode.js';
import type { RatchetTree } from 'ts-mls/ratchetTree.js';
import { decodeRequiredCapabilities } from 'ts-mls/requiredCapabilities.js';
import type { RequiredCapabilities } from 'ts-mls/requiredCapabilities.js';
import { copyBytes } from '../base/bytes.ts';
import { checkBytes, checkInteger } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import type { Group } from './group.ts';
import { stateOf } from './group-state.ts';
import { leavesOf } from './members.ts';

/**
 * Something that all members of a group agree on, by its type (RFC 9420 §13): `required_capabilities` (3), or a type of the
 * application's own, which each member must have said that it understands.
 */
export interface GroupExtension {
  /** 3, or 6 to 65,535; of those, 0xf000 and above are for private use (RFC 9420 §17.3). */
  readonly type: number;
  readonly data: Uint8Array;
}

const REQUIRED_CAPABILITIES = 3;
/** Types below are the RFC's own. */
const FIRST_OTHER_TYPE = 6;
const LAST_TYPE = 0xffff;
/** Bytes that the extensions of a group may have in all: every message signs them, every Welcome carries them. */
const MAX_BYTES = 16 * 1024;

/** The extensions that the members have agreed on by {@link GroupChange.extensions}, in their order. */
export function groupExtensions(group: Group): readonly GroupExtension[] {
  return stateOf(group).groupContext.extensions.map(({ extensionType, extensionData }) => ({
    type: typeof extensionType === 'number' ? extensionType : defaultExtensionTypes[extensionType],
    data: copyBytes(extensionData),
  }));
}

/**
 * The types of extensions that an application understands, if each can be one.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkExtensionTypes(types: readonly number[]): readonly number[] {
  for (const type of types) checkInteger('extensionTypes', type, FIRST_OTHER_TYPE, LAST_TYPE);
  if (new Set(types).size === types.length) return [...types];
  throw new RuntimeError('invalid_argument', 'Expected `extensionTypes` to name each type once.');
}

/**
 * Extensions in the library's form. Shares no memory with them.
 *
 * @throws {@link RuntimeError} `invalid_argument` for none, and for one that cannot be an extension of a group
 */
export function toLibraryExtensions(extensions: readonly GroupExtension[]): Extension[] {
  // The library takes an empty list for no change; members on other software would clear theirs and be out of step.
  if (extensions.length === 0) {
    throw new RuntimeError('invalid_argument', 'Expected `extensions` to name at least one, got none.');
  }
  return extensions.map(({ type, data }) => {
    checkBytes('extensions.data', data);
    if (type === REQUIRED_CAPABILITIES)
      return { extensionType: 'required_capabilities', extensionData: copyBytes(data) };
    checkInteger('extensions.type', type, FIRST_OTHER_TYPE, LAST_TYPE);
    return { extensionType: type, extensionData: copyBytes(data) };
  });
}

/**
 * Why a group with these members must not have these extensions, or `undefined` (RFC 9420 §7.2, §12.1.7, §13.4).
 *
 * `external_senders` is refused, because commits of ours come from members alone: who is none could ask for a change, and
 * the relay that the group does not trust is the one who would. The other types of the RFC have no meaning in a group.
 */
export function objectionToExtensions(extensions: readonly Extension[], tree: RatchetTree): string | undefined {
  const types = new Set<number | string>();
  let bytes = 0;
  for (const { extensionType, extensionData } of extensions) {
    if (types.has(extensionType)) return 'the group has two extensions of one type';
    types.add(extensionType);
    bytes += extensionData.length;
    const objection =
      typeof extensionType === 'number'
        ? objectionFrom(
            tree,
            ({ capabilities }) => capabilities.extensions.includes(extensionType),
            `extension ${extensionType}`,
          )
        : objectionToKnown(extensionType, extensionData, tree);
    if (objection !== undefined) return objection;
  }
  return bytes > MAX_BYTES ? `the extensions of the group have more than ${MAX_BYTES} bytes` : undefined;
}

function objectionToKnown(type: string, data: Uint8Array, tree: RatchetTree): string | undefined {
  if (type !== 'required_capabilities') return `extensions of type ${type} are not supported in a group`;
  const required = decodeRequired(data);
  if (required === undefined) return 'its required_capabilities cannot be read';
  return objectionFrom(tree, ({ capabilities }) => covers(capabilities, required), 'all required capabilities');
}

function objectionFrom(tree: RatchetTree, supports: (leaf: LeafNode) => boolean, what: string): string | undefined {
  for (const [leaf, node] of leavesOf(tree)) {
    if (!supports(node)) return `the member at leaf ${leaf} does not support ${what}`;
  }
  return undefined;
}

function covers(
  { extensions, proposals, credentials }: LeafNode['capabilities'],
  { extensionTypes, proposalTypes, credentialTypes }: RequiredCapabilities,
): boolean {
  return (
    extensionTypes.every((type) => extensions.includes(type)) &&
    proposalTypes.every((type) => proposals.includes(type)) &&
    credentialTypes.every((type) => credentials.includes(type))
  );
}

function decodeRequired(data: Uint8Array): RequiredCapabilities | undefined {
  try {
    const [required, length] = decodeRequiredCapabilities(data, 0) ?? [];
    return length === data.length ? required : undefined;
  } catch {
    // However the library's decoder stumbles, the answer is the same: not readable.
    return undefined;
  }
}
