package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// LoopsPath is where a running instance tells which loops can be asked for their plans, as a list of Loop in JSON.
	LoopsPath = "/loops"
	// PlansPath is where a running instance tells the plans of a loop of its, by the query's loop and key, as a Plans in
	// JSON: the last ones, and with next=true the one that it would make now. It answers 404, with a sentence, where it has
	// no loop of that name, or the loop finds nothing with that key to plan for. A key is NAMESPACE/NAME, or NAME.
	PlansPath = "/plans"
)

// Loop is a loop that can be asked for its plans.
type Loop struct {
	Name string `json:"name"`
	// Of is the kind of what a key names; empty where a key stands for many things.
	Of string `json:"of,omitempty"`
	// Keys are those of which it remembers anything, sorted.
	Keys []string `json:"keys"`
}

// Plans are the last plans of a loop for a key that had anything in them, the newest first.
type Plans struct {
	Loop string `json:"loop"`
	Key  string `json:"key"`
	// Next is what it would do now, in prose; empty if that was not asked for.
	Next  string `json:"next,omitempty"`
	Plans []Plan `json:"plans"`
}

// Plan is one that was carried out.
type Plan struct {
	// At is when it was decided.
	At time.Time `json:"at"`
	// Plan is the plan in prose.
	Plan string `json:"plan"`
	// Error is what went wrong in carrying it out; empty if nothing did.
	Error string `json:"error,omitempty"`
}

// NotToldError is the sentence with which an instance answers what it has no other answer to.
type NotToldError struct{ Sentence string }

func (e *NotToldError) Error() string { return e.Sentence }

// Loops asks the running instance which loops can be asked for their plans.
func (i *Instance) Loops(ctx context.Context) ([]Loop, error) {
	var loops []Loop
	return loops, i.tell(ctx, LoopsPath, &loops)
}

// Plans asks the running instance for the plans of a loop: the last ones, and if next is set the one it would make now. That
// there is no such loop or key is a NotToldError.
func (i *Instance) Plans(ctx context.Context, loop, key string, next bool) (Plans, error) {
	query := url.Values{"loop": {loop}, "key": {key}}
	if next {
		query.Set("next", "true")
	}
	var plans Plans
	return plans, i.tell(ctx, PlansPath+"?"+query.Encode(), &plans)
}

// tell reads the answer to a question.
func (i *Instance) tell(ctx context.Context, question string, answer any) error {
	response, err := i.get(ctx, question) //nolint:bodyclose // read does
	if err != nil {
		return err
	}
	return i.read(response, answer)
}

// read reads an answer in JSON, and closes it. One of another status than 200 is a sentence: a NotToldError.
func (i *Instance) read(response *http.Response, answer any) error {
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	if response.StatusCode != http.StatusOK {
		sentence, err := io.ReadAll(io.LimitReader(response.Body, 4096))
		if err != nil {
			return fmt.Errorf("reading why instance %s does not answer: %w", i.Name, err)
		}
		return &NotToldError{strings.TrimSpace(string(sentence))}
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("reading the answer of instance %s: %w", i.Name, err)
	}
	return nil
}
