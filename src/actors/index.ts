export { Mailbox, type MailboxBatch, type MailboxOptions, yieldTurn } from './mailbox.ts';
