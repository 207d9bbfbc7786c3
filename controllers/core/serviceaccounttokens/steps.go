package serviceaccounttokens

import (
	"context"
	"fmt"
	"strings"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fill writes what a Secret lacks. It is a step of its own because a patch shows what it writes, and nobody is to see a token.
type fill struct {
	Options
	secret  *corev1.Secret
	account *corev1.ServiceAccount
	// lacks are the keys that are written.
	lacks []string
}

var _ plan.Step = (*fill)(nil)

func (*fill) Verb() string { return "fill" }

func (s *fill) String() string {
	return fmt.Sprintf("fill Secret %s with %s", client.ObjectKeyFromObject(s.secret), strings.Join(s.lacks, ", "))
}

func (s *fill) Why() string { return "it is for a token of ServiceAccount " + s.account.Name }

// Do writes the keys into the Secret as it was observed.
func (s *fill) Do(ctx context.Context, act plan.Actor) error {
	filled, err := s.filled(ctx)
	if err != nil {
		return err
	}
	return plan.New().Patch(s.Why(), s.secret, filled).Do(ctx, act)
}

// filled is the Secret as it should be.
func (s *fill) filled(ctx context.Context) (*corev1.Secret, error) {
	filled := s.secret.DeepCopy()
	if filled.Data == nil {
		filled.Data = map[string][]byte{}
	}
	for _, key := range s.lacks {
		switch key {
		case corev1.ServiceAccountTokenKey:
			token, err := s.Sign(ctx, s.account, s.secret)
			if err != nil {
				return nil, fmt.Errorf("signing a token of ServiceAccount %s/%s: %w", s.account.Namespace, s.account.Name, err)
			}
			filled.Data[key] = []byte(token)
		case corev1.ServiceAccountRootCAKey:
			filled.Data[key] = s.RootCA
		case corev1.ServiceAccountNamespaceKey:
			filled.Data[key] = []byte(s.secret.Namespace)
		}
	}
	metav1.SetMetaDataAnnotation(&filled.ObjectMeta, corev1.ServiceAccountUIDKey, string(s.account.UID))
	return filled, nil
}
