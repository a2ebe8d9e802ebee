export { Mailbox, type MailboxBatch, type MailboxOptions } from './mailbox.ts';
