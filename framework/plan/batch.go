package plan

import (
	"errors"
	"sync"
)

// sideBySide is how many requests of one step are under way at once.
const sideBySide = 32

// slowStart calls do(0..n-1) in batches of 1, 2, 4, ..., each side by side, and starts no batch after one with an
// error. It returns the errors of that batch, joined.
func slowStart(n int, do func(i int) error) error {
	for start, size := 0, 1; start < n; start, size = start+size, min(2*size, sideBySide) {
		size = min(size, n-start)
		if err := parallel(start, start+size, do); err != nil {
			return err
		}
	}
	return nil
}

// parallel calls do(from..to-1) side by side and joins the errors.
func parallel(from, to int, do func(i int) error) error {
	errs := make([]error, to-from)
	var wait sync.WaitGroup
	slots := make(chan struct{}, sideBySide)
	for i := from; i < to; i++ {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			errs[i-from] = do(i)
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
