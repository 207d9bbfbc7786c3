package plan

import (
	"errors"
	"sync"
)

// largestBatch is how many creates of one step can fail for the same reason.
const largestBatch = 32

// slowStart calls do(0..n-1) in batches of 1, 2, 4, ..., each with up to limit calls side by side, and starts no batch
// after one with an error. It returns the errors of that batch, joined.
func slowStart(n, limit int, do func(i int) error) error {
	for start, size := 0, 1; start < n; start, size = start+size, min(2*size, largestBatch) {
		size = min(size, n-start)
		if err := parallel(start, start+size, limit, do); err != nil {
			return err
		}
	}
	return nil
}

// parallel calls do(from..to-1), up to limit of them side by side, and joins the errors. It starts them in order. A
// panic of one becomes the caller's, once the others have ended: in a goroutine of its own it would end the process.
func parallel(from, to, limit int, do func(i int) error) error {
	var (
		errs   = make([]error, to-from)
		panics = make([]any, to-from)
		slots  = make(chan struct{}, limit)
		wait   sync.WaitGroup
	)
	for i := from; i < to; i++ {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() {
				panics[i-from] = recover()
				<-slots
			}()
			errs[i-from] = do(i)
		})
	}
	wait.Wait()
	for _, p := range panics {
		if p != nil {
			panic(p)
		}
	}
	return errors.Join(errs...)
}
