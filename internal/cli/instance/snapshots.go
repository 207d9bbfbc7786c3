package instance

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// SnapshotsPath is where a running instance takes a snapshot of itself when it is posted to, into the directory of the query's dir, with
// keys=true together with the keys that it is of no use without. It answers with the snapshot as JSON, or with a sentence and another status than 200.
const SnapshotsPath = "/snapshots"

// TakeSnapshot has the running instance take a snapshot of itself into a directory, an absolute path, and reads what it says of it into
// taken. It takes as long as the store is large.
func (i *Instance) TakeSnapshot(ctx context.Context, dir string, keys bool, taken any) error {
	query := url.Values{"dir": {dir}, "keys": {strconv.FormatBool(keys)}}
	response, err := i.ask(ctx, http.MethodPost, SnapshotsPath+"?"+query.Encode(), 0) //nolint:bodyclose // read does
	if err != nil {
		return err
	}
	return i.read(response, taken)
}
