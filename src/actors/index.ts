export { Mailbox, type MailboxOptions } from './mailbox.ts';
