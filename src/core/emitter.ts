/** Listeners of one kind of event. A listener that throws does not keep the others from hearing it. */
export interface Emitter<T> {
  on(listener: (event: T) => void): Disposable;
  emit(event: T): void;
}

/**
 * @param onFault hears what a listener threw; without it the fault is rethrown on the next tick, where
 * the process's own handler sees it.
 */
export function createEmitter<T>(onFault?: (error: unknown) => void): Emitter<T> {
  const listeners = new Set<(event: T) => void>();
  return {
    on(listener) {
      const own = (event: T) => listener(event);
      listeners.add(own);
      return { [Symbol.dispose]: () => listeners.delete(own) };
    },
    emit(event) {
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          if (onFault) onFault(error);
          else
            process.nextTick(() => {
              throw error;
            });
        }
      }
    },
  };
}
