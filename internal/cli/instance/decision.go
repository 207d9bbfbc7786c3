package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// DecisionPath is where a running instance tells what its scheduler decided last for a pod, by the query's namespace and
// name, as JSON; with 404 where it does not remember.
const DecisionPath = "/scheduler/decision"

// ErrNoDecision says that the scheduler of an instance does not remember a pod.
var ErrNoDecision = errors.New("the scheduler does not remember the pod")

// Decision asks the running instance what its scheduler decided last for a pod, and reads that into decision.
func (i *Instance) Decision(ctx context.Context, namespace, name string, decision any) error {
	response, err := i.get(ctx, DecisionPath+"?"+url.Values{"namespace": {namespace}, "name": {name}}.Encode())
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // read to its end or given up
	if response.StatusCode != http.StatusOK {
		return ErrNoDecision
	}
	if err := json.NewDecoder(response.Body).Decode(decision); err != nil {
		return fmt.Errorf("reading what the scheduler of instance %s decided: %w", i.Name, err)
	}
	return nil
}
