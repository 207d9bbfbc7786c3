package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// SnapshotsPath is where a running instance takes a snapshot of itself when it is posted to, into the directory of the query's dir, with
// keys=true together with the keys that it is of no use without. It answers with the snapshot as JSON, or with a sentence and another status than 200.
const SnapshotsPath = "/snapshots"

// TakeSnapshot has the running instance take a snapshot of itself into a directory, an absolute path, and reads what it says of it into
// taken. It takes as long as the store is large.
func (i *Instance) TakeSnapshot(ctx context.Context, dir string, keys bool, taken any) error {
	query := url.Values{"dir": {dir}, "keys": {strconv.FormatBool(keys)}}
	response, err := i.ask(ctx, http.MethodPost, SnapshotsPath+"?"+query.Encode(), 0)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	if response.StatusCode != http.StatusOK {
		sentence, err := io.ReadAll(io.LimitReader(response.Body, 4096))
		if err != nil {
			return fmt.Errorf("reading why instance %s takes no snapshot: %w", i.Name, err)
		}
		return &NotToldError{strings.TrimSpace(string(sentence))}
	}
	if err := json.NewDecoder(response.Body).Decode(taken); err != nil {
		return fmt.Errorf("reading what snapshot instance %s took: %w", i.Name, err)
	}
	return nil
}
