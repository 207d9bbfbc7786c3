package instance

import (
	"context"
	"net/url"
)

// NamesPath is where a running instance tells what its DNS answers for a name, by the query's name, type and namespace, as JSON. It
// answers with a sentence where it cannot ask.
const NamesPath = "/dns"

// Ask asks the running instance's DNS for records of a name, as a pod of the namespace would, and reads what it answers into answer.
func (i *Instance) Ask(ctx context.Context, name, kind, namespace string, answer any) error {
	return i.tell(ctx, NamesPath+"?"+url.Values{"name": {name}, "type": {kind}, "namespace": {namespace}}.Encode(), answer)
}
