#!/usr/bin/env node
import { homedir } from 'node:os';
import { systemClock } from '../base/clock.ts';
import { processTerminal } from './process-terminal.ts';
import { run } from './run.ts';

const terminal = processTerminal();
process.exitCode = await run({
  terminal,
  environment: process.env,
  argv: process.argv.slice(2),
  clock: systemClock,
  home: homedir(),
  run,
  isSignalAnEnd: false,
  exitCode: 0,
});
terminal.close();
