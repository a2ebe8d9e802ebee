export { Mailbox, type MailboxBatch, type MailboxOptions } from './mailbox.ts';
export { yieldTurn } from '../streams/index.ts';
