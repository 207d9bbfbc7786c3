package certificates

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/framework/plan"
)

// write changes the Secret, locked to what was observed: whoever else has changed it meanwhile was right. It is a step of its own
// since a certificate is made of randomness, which no plan has, and since what a step says must not tell a key.
type write struct {
	secret *corev1.Secret
	what   string
	why    string
	change func(secret *corev1.Secret, now time.Time) error
}

var _ plan.Step = &write{}

// Verb is "patch".
func (s *write) Verb() string { return "patch" }

// Why is the reason that was given.
func (s *write) Why() string { return s.why }

func (s *write) String() string {
	return fmt.Sprintf("%s Secret %s", s.what, client.ObjectKeyFromObject(s.secret))
}

// Do writes the Secret.
func (s *write) Do(ctx context.Context, act plan.Actor) error {
	wanted := s.secret.DeepCopy()
	if err := s.change(wanted, act.Now()); err != nil {
		return err
	}
	if err := act.Patch(ctx, wanted, plan.Locked(act, s.secret, wanted.DeepCopy()), act.FieldOwner()); err != nil {
		return fmt.Errorf("writing Secret %s: %w", client.ObjectKeyFromObject(s.secret), err)
	}
	return nil
}

// entrust has the webhooks of a configuration trust some authorities. It names each field that it writes: a merge patch would write all
// webhooks anew, without what a newer API server knows of them.
type entrust struct {
	distrusted
	kind        string
	authorities []byte
}

var _ plan.Step = &entrust{}

// Verb is "patch".
func (s *entrust) Verb() string { return "patch" }

// Why says what follows from it.
func (s *entrust) Why() string {
	return "the API server has to trust what the webhooks are served with"
}

func (s *entrust) String() string {
	return fmt.Sprintf("patch the caBundle of %s %s", s.kind, s.configuration.GetName())
}

// Do writes the configuration, locked to what was observed.
func (s *entrust) Do(ctx context.Context, act plan.Actor) error {
	type operation struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value any    `json:"value"`
	}
	operations := []operation{{"replace", "/metadata/resourceVersion", act.ResourceVersion(s.configuration)}}
	for _, i := range s.webhooks {
		operations = append(operations, operation{"add", fmt.Sprintf("/webhooks/%d/clientConfig/caBundle", i), s.authorities})
	}
	data, err := json.Marshal(operations)
	if err != nil {
		return fmt.Errorf("encoding the caBundle of %s %s: %w", s.kind, s.configuration.GetName(), err)
	}
	obj := s.configuration.DeepCopyObject().(client.Object)
	if err := act.Patch(ctx, obj, client.RawPatch(types.JSONPatchType, data), act.FieldOwner()); err != nil {
		return fmt.Errorf("writing the caBundle of %s %s: %w", s.kind, s.configuration.GetName(), err)
	}
	return nil
}
