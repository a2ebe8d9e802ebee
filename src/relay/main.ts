#!/usr/bin/env node
import { relayProgram } from './relay-program.ts';

await relayProgram().parseAsync();
