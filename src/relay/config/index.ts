// What the configuration of another server is made of.
export type { Given } from './given.ts';
export { nearest } from './nearest.ts';
export { configurationError } from './resolve-settings.ts';
export { address, choice, integer, quota, text, UNLIMITED, webAddress } from './setting.ts';
export type { ListenAddress, Setting } from './setting.ts';
export { readSecret } from './secret-file.ts';
export { readTomlFile } from './toml-file.ts';
