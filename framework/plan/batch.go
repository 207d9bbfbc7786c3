package plan

import (
	"errors"
	"sync"
)

// slowStart calls do(0..n-1) in order: one at first, and one more side by side with each that succeeds, up to limit. After an error
// it starts no more. It returns the errors of those that were under way, joined: at most limit can fail for the same reason. A panic
// of one becomes the caller's, as of [parallel].
func slowStart(n, limit int, do func(i int) error) error {
	var (
		ended                 = make(chan attempt)
		failed                []attempt
		begun, running, width = 0, 0, 1
	)
	for begun < n && len(failed) == 0 || running > 0 {
		for ; begun < n && running < width && len(failed) == 0; begun++ {
			go try(begun, do, ended)
			running++
		}
		a := <-ended
		running--
		if a.err == nil && a.panicked == nil {
			width = min(width+1, limit)
		} else {
			failed = append(failed, a)
		}
	}
	var errs []error
	for _, a := range failed {
		if a.panicked != nil {
			panic(a.panicked)
		}
		errs = append(errs, a.err)
	}
	return errors.Join(errs...)
}

// attempt is how a call ended.
type attempt struct {
	err      error
	panicked any
}

// try makes a call, and tells how it ended.
func try(i int, do func(i int) error, ended chan<- attempt) {
	var a attempt
	defer func() {
		a.panicked = recover()
		ended <- a
	}()
	a.err = do(i)
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
