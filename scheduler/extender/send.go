package extender

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// errNoVerb says that an extender was asked what it does not do.
var errNoVerb = errors.New("it has no verb for that")

// send asks the extender one thing and reads its answer into result.
func (e *Extender) send(verb string, args, result any) error {
	if verb == "" {
		return errNoVerb
	}
	body, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("writing the question: %w", err)
	}
	url := strings.TrimRight(e.config.URLPrefix, "/") + "/" + verb
	response, err := e.client.Post(url, "application/json", bytes.NewReader(body)) //nolint:noctx // The client's time-out bounds the call.
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // Nothing was written to it.
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: answered with code %d", url, response.StatusCode)
	}
	if err := json.NewDecoder(response.Body).Decode(result); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", url, err)
	}
	return nil
}

// failed says which extender failed at what.
func (e *Extender) failed(what string, err error) error {
	return fmt.Errorf("%s by extender %s: %w", what, e.Name(), err)
}
