import { type ExecResult, run } from '../../lib/base/exec.ts';
import type { Program } from '../helpers/program.ts';

/** Runs a line of shell in which $URL and $CA stand for those of the program, and $JSON for the header of a JSON body. */
export function shell({ url, ca }: Program, line: string): Promise<ExecResult> {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', URL: url, CA: ca };
  return run('/bin/sh', ['-c', line], { env: { ...env, JSON: 'Content-Type: application/json' } });
}
