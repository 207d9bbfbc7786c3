package plan

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
)

func TestSlowStart(t *testing.T) {
	for _, tt := range []struct {
		name     string
		n, limit int
		failsAt  int // from which one on all fail; -1: never
		want     int // how many are tried; with several side by side, at most
	}{
		{name: "all of them when none fails", n: 100, limit: 32, failsAt: -1, want: 100},
		{name: "all of them, one after another", n: 100, limit: 1, failsAt: -1, want: 100},
		{name: "none of none", n: 0, limit: 32, failsAt: -1, want: 0},
		{name: "one when the first fails", n: 100, limit: 32, failsAt: 0, want: 1},
		{name: "none after one that fails", n: 100, limit: 1, failsAt: 4, want: 5},
		{name: "those that are under way when one fails: one more than have succeeded", n: 100, limit: 32, failsAt: 4, want: 4 + 5},
		{name: "those that are under way when one fails: never more than the limit", n: 1000, limit: 32, failsAt: 500, want: 500 + 32},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := errors.New("refused")
			var mu sync.Mutex
			tried := 0
			err := slowStart(tt.n, tt.limit, func(i int) error {
				mu.Lock()
				defer mu.Unlock()
				tried++
				if tt.failsAt >= 0 && i >= tt.failsAt {
					return refused
				}
				return nil
			})
			if exact := tt.failsAt < 1 || tt.limit == 1; tried > tt.want || exact && tried != tt.want {
				t.Errorf("tried %d, want %d", tried, tt.want)
			}
			if failed := errors.Is(err, refused); failed != (tt.failsAt >= 0) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestSlowStartWidensWithEachSuccess(t *testing.T) {
	var mu sync.Mutex
	now, succeeded := 0, 0
	err := slowStart(200, 8, func(int) error {
		mu.Lock()
		defer mu.Unlock()
		now++
		if now > min(succeeded+1, 8) {
			t.Errorf("%d are under way after %d have succeeded", now, succeeded)
		}
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		now--
		succeeded++
		return nil
	})
	if err != nil || succeeded != 200 {
		t.Errorf("%d succeeded, with error %v; want 200", succeeded, err)
	}
}

func TestSlowStartPanicsInItsCaller(t *testing.T) {
	tried := 0
	defer func() {
		if got := recover(); got != "broken" || tried != 3 {
			t.Errorf("recovered %v after %d calls, want the panic of the third", got, tried)
		}
	}()
	_ = slowStart(10, 1, func(i int) error {
		tried++
		if i == 2 {
			panic("broken")
		}
		return nil
	})
	t.Error("slowStart returned although a call panicked")
}

func TestParallelKeepsTheOrderWithOneAtATime(t *testing.T) {
	var order []int
	err := parallel(3, 9, 1, func(i int) error {
		order = append(order, i)
		return nil
	})
	if want := []int{3, 4, 5, 6, 7, 8}; err != nil || !slices.Equal(order, want) {
		t.Errorf("called for %v with error %v, want %v", order, err, want)
	}
}

func TestParallelNeverExceedsItsLimit(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	count := func(d int) {
		mu.Lock()
		defer mu.Unlock()
		now += d
		most = max(most, now)
	}
	full := make(chan struct{})
	err := parallel(0, 50, 5, func(int) error {
		count(1)
		defer count(-1)
		select {
		case full <- struct{}{}: // meets another one: two are under way
		case <-full:
		}
		return nil
	})
	if err != nil || most < 2 || most > 5 {
		t.Errorf("up to %d were under way at once with error %v, want 2 to 5", most, err)
	}
}

func TestParallelPanicsInItsCaller(t *testing.T) {
	others := 0
	defer func() {
		if got := recover(); got != "broken" {
			t.Errorf("recovered %v, want the panic of the call", got)
		}
		if others != 2 {
			t.Errorf("%d other calls were made, want both", others)
		}
	}()
	_ = parallel(0, 3, 1, func(i int) error {
		if i == 0 {
			panic("broken")
		}
		others++
		return nil
	})
	t.Error("parallel returned although a call panicked")
}
