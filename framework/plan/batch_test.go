package plan

import (
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestSlowStart(t *testing.T) {
	for _, tt := range []struct {
		name    string
		n       int
		failsAt int // -1: never
		want    int // how many are tried
	}{
		{name: "all of them when none fails", n: 100, failsAt: -1, want: 100},
		{name: "none of none", n: 0, failsAt: -1, want: 0},
		{name: "one when the first fails", n: 100, failsAt: 0, want: 1},
		{name: "1 + 2 when one of the second batch fails", n: 100, failsAt: 2, want: 3},
		{name: "1 + 2 + 4 when one of the third batch fails", n: 100, failsAt: 3, want: 7},
		{name: "no more than there are in the last batch", n: 5, failsAt: 4, want: 5},
		{name: "batches stop growing at 32", n: 1000, failsAt: 63, want: 63 + 32},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refused := errors.New("refused")
			var mu sync.Mutex
			tried := 0
			err := slowStart(tt.n, 32, func(i int) error {
				mu.Lock()
				defer mu.Unlock()
				tried++
				if i == tt.failsAt {
					return refused
				}
				return nil
			})
			if tried != tt.want {
				t.Errorf("tried %d, want %d", tried, tt.want)
			}
			if failed := errors.Is(err, refused); failed != (tt.failsAt >= 0) {
				t.Errorf("error is %v", err)
			}
		})
	}
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
