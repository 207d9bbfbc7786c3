package journal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func filled(entries int) *Journal {
	j := &Journal{}
	for n := range entries {
		j.Add(Entry{Loop: "tides", Key: strconv.Itoa(n + 1), At: time.Unix(int64(n), 0)})
	}
	return j
}

func TestWhatCameAfterANumber(t *testing.T) {
	for name, c := range map[string]struct {
		entries     int
		after       uint64
		count       int
		first, last uint64
	}{
		"nothing of an empty journal":               {0, 0, 0, 0, 0},
		"all of it":                                 {3, 0, 3, 1, 3},
		"what is new":                               {3, 2, 1, 3, 3},
		"nothing where nothing is new":              {3, 3, 0, 0, 0},
		"all for a number of an earlier process":    {3, 9, 3, 1, 3},
		"the last of more than is kept":             {Size + 5, 0, Size, 6, Size + 5},
		"what is kept of what is new":               {Size + 5, 3, Size, 6, Size + 5},
		"what is new where the ring has gone round": {Size + 5, Size + 3, 2, Size + 4, Size + 5},
	} {
		t.Run(name, func(t *testing.T) {
			entries, _ := filled(c.entries).After(c.after)
			if len(entries) != c.count {
				t.Fatalf("%d entries, want %d", len(entries), c.count)
			}
			for i, e := range entries {
				if e.Number != c.first+uint64(i) || e.Key != strconv.FormatUint(e.Number, 10) {
					t.Fatalf("entry %d is number %d of %s, want %d", i, e.Number, e.Key, c.first+uint64(i))
				}
			}
		})
	}
}

func TestAPlanThatIsCarriedOutAgainAndAgainIsToldOnce(t *testing.T) {
	j := &Journal{}
	for _, e := range []Entry{
		{Key: "moon", Plan: "raise the sea: it is high\nlook again in 1m0s: then"},
		{Key: "moon", Plan: "raise the sea: it is high\nlook again in 59s: then"},
		{Key: "sun", Plan: "raise the sea: it is high"},
		{Key: "moon", Plan: "raise the sea: it is high"},
		{Key: "moon", Plan: "lower the sea: it has set"},
		{Key: "moon", Plan: "raise the sea: it is high"},
		{Key: "moon", Plan: "raise the sea: it is high", Error: "no wind"},
		{Key: "moon", Plan: "raise the sea: it is high", Error: "no wind"},
	} {
		j.Add(e)
	}
	entries, _ := j.After(0)
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %s %d%s", e.Key, strings.Fields(e.Plan)[0], e.Times, e.Error))
	}
	want := []string{"moon raise 3", "sun raise 0", "moon lower 0", "moon raise 0", "moon raise 0no wind", "moon raise 0no wind"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for n := range Size {
		j.Add(Entry{Key: strconv.Itoa(n)})
	}
	j.Add(Entry{Key: "sun", Plan: "raise the sea: it is high"}) // which nobody remembers
	if entries, _ := j.After(0); entries[len(entries)-1].Key != "sun" || len(j.of) != Size {
		t.Errorf("the last entry is %+v, and %d keys are remembered, want %d", entries[len(entries)-1], len(j.of), Size)
	}
}

func TestAFollowerMissesNothingAndSeesNothingTwice(t *testing.T) {
	const writers, each = 4, 500
	j := filled(10)
	server := httptest.NewServer(j)
	defer server.Close()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+Question(4, true), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for n := range each {
				j.Add(Entry{Loop: "tides", Plan: strconv.Itoa(n), Error: "so that each is told"})
			}
		})
	}
	want := uint64(5)
	err = Read(response.Body, func(e Entry) {
		if e.Number != want {
			t.Errorf("number %d, want %d", e.Number, want)
			leave()
		}
		if want++; want > 10+writers*each {
			leave()
		}
	})
	if want <= 10+writers*each {
		t.Errorf("the answer ended before number %d: %v", want, err)
	}
	writing.Wait()
}

func TestWhoDoesNotFollowIsAnsweredAtOnce(t *testing.T) {
	server := httptest.NewServer(filled(3))
	defer server.Close()
	for question, want := range map[string]struct{ code, entries int }{
		Question(1, false):       {http.StatusOK, 2},
		Path:                     {http.StatusOK, 3},
		Path + "?after=tomorrow": {http.StatusBadRequest, 0},
	} {
		response, err := server.Client().Get(server.URL + question)
		if err != nil {
			t.Fatal(err)
		}
		entries := 0
		if response.StatusCode == http.StatusOK {
			err = Read(response.Body, func(Entry) { entries++ })
		}
		_ = response.Body.Close()
		if err != nil || response.StatusCode != want.code || entries != want.entries {
			t.Errorf("%s: %d with %d entries (%v), want %+v", question, response.StatusCode, entries, err, want)
		}
	}
}
