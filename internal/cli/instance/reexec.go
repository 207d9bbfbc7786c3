package instance

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// ReexecPath is where a running instance is told to end in favour of another process, when it is posted to: it gives up what it leads, and
// leaves its containers running. With the query's program, the path of a file, it then executes that in its own place, as the same
// process, with the arguments and the environment that it had. It answers before it ends: with JSON, or with a sentence and another
// status than 200 where it does not.
const ReexecPath = "/reexec"

// Reexec has the running instance execute a program in the place of its own. It returns before that has begun; an error means that
// nothing will come of it.
func (i *Instance) Reexec(ctx context.Context, program string) error {
	return i.endInFavour(ctx, url.Values{"program": {program}})
}

// EndForNext has the running instance end, so that another process takes over what it leaves running. It returns before that has begun.
func (i *Instance) EndForNext(ctx context.Context) error {
	return i.endInFavour(ctx, nil)
}

func (i *Instance) endInFavour(ctx context.Context, query url.Values) error {
	response, err := i.ask(ctx, http.MethodPost, ReexecPath+"?"+query.Encode(), thinkPatience) //nolint:bodyclose // read does
	if err != nil {
		return err
	}
	var nothing json.RawMessage
	return i.read(response, &nothing)
}

// Ended says whether the process that told a status is gone, with whatever it has executed in its place.
func (s Status) Ended() bool { return ended(s.PID) }
