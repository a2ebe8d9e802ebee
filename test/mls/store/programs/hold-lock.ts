/** Locks the directory that it is told, says how that went, and stays until it is killed or told to release. */
import { DirectoryLock } from '../../../../src/mls/store/directory-lock.ts';

const [directory = ''] = process.argv.slice(2);
try {
  const lock = DirectoryLock.acquire(directory);
  console.log('locked');
  process.stdin.once('data', () => {
    lock.release();
    console.log('released');
    process.stdin.destroy();
  });
} catch (error) {
  console.log((error as Error).message);
}
