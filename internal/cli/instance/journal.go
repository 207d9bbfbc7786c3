package instance

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/orrery-dev/orrery/internal/cli/journal"
)

// Journal hands to f what the loops of the running instance did after a number of its journal, the oldest first; with follow it
// goes on with what they do, until ctx or the instance ends.
func (i *Instance) Journal(ctx context.Context, after uint64, follow bool, f func(journal.Entry)) error {
	response, err := i.get(ctx, journal.Question(after, follow))
	if err != nil {
		return fmt.Errorf("asking instance %s for its journal: %w", i.Name, err)
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking instance %s for its journal: it answers %s", i.Name, response.Status)
	}
	if err := journal.Read(response.Body, f); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("instance %s: %w", i.Name, err)
	}
	return nil
}
