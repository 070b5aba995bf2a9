/** The store in memory keeps the contract, so that what the simulation finds holds over Redis too. */
import { MemoryStore } from '../../../coordinator/store/memory-store.ts';
import { storeContract } from './contract.ts';

storeContract('memory', async () => {
  const store = new MemoryStore();
  return { store, close: () => store.close() };
});
