package engine

import (
	"context"
	"fmt"
	"slices"
)

// Inspector shows to people what a loop would do next and what it did last. Its keys are text.
type Inspector interface {
	// Name is the name of the loop.
	Name() string
	// Of is the kind of what a key names, as in "Deployment"; empty where a key stands for many things.
	Of() string
	// Keys are those of which anything is remembered, sorted.
	Keys() []string
	// Preview is the plan for a key in prose, as it would be made now. Nothing is carried out. A key that cannot be read and
	// one that is about nothing ([ErrGone]) are errors.
	Preview(ctx context.Context, key string) (string, error)
	// Recent are the last plans of a key that had anything in them, the newest first.
	Recent(key string) []Pass
	// Follow hands each plan that had anything in it to f from now on, as [Engine.Follow] does.
	Follow(f func(key string, pass Pass))
}

// Inspect returns the inspector of an engine. parse reads a key as people write it, and as fmt.Sprint prints it.
func Inspect[K comparable, W, A any](e *Engine[K, W, A], parse func(string) (K, error)) Inspector {
	return inspector[K, W, A]{e, parse}
}

type inspector[K comparable, W, A any] struct {
	*Engine[K, W, A]
	parse func(string) (K, error)
}

func (i inspector[K, W, A]) Of() string { return i.options.Of }

func (i inspector[K, W, A]) Keys() []string {
	keys := i.Engine.Keys()
	words := make([]string, len(keys))
	for n, key := range keys {
		words[n] = fmt.Sprint(key)
	}
	slices.Sort(words)
	return words
}

func (i inspector[K, W, A]) Preview(ctx context.Context, word string) (string, error) {
	key, err := i.parse(word)
	if err != nil {
		return "", err
	}
	decided, err := i.Engine.Preview(ctx, key)
	if err != nil {
		return "", fmt.Errorf("observing for %s: %w", word, err)
	}
	return decided.String(), nil
}

func (i inspector[K, W, A]) Recent(word string) []Pass {
	key, err := i.parse(word)
	if err != nil {
		return nil
	}
	return i.Engine.Recent(key)
}

func (i inspector[K, W, A]) Follow(f func(key string, pass Pass)) {
	i.Engine.Follow(func(key K, pass Pass) { f(fmt.Sprint(key), pass) })
}
