package rootca

import (
	"context"
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	name = "kube-root-ca.crt"
	key  = "ca.crt"

	descriptionAnnotation = "kubernetes.io/description"
	description           = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
		"No other usage is guaranteed across distributions of Kubernetes clusters."
)

// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;create;patch

// Loop publishes a bundle of certificates, in PEM, in each Namespace. An empty bundle it does not publish.
func Loop(bundle []byte) loop.Loop {
	return loop.New[*corev1.Namespace, world]("rootca", controller{bundle: string(bundle)},
		loop.Watches(func(_ context.Context, _ client.Reader, published *corev1.ConfigMap) ([]client.ObjectKey, error) {
			if published.Name != name {
				return nil, nil
			}
			return []client.ObjectKey{{Name: published.Namespace}}, nil
		}),
	)
}

type controller struct{ bundle string }

// world is what is published in the Namespace; nil means nothing.
type world struct{ published *corev1.ConfigMap }

func (controller) Observe(ctx context.Context, view loop.View, namespace *corev1.Namespace) (world, error) {
	published := &corev1.ConfigMap{}
	err := view.Get(ctx, client.ObjectKey{Namespace: namespace.Name, Name: name}, published)
	switch {
	case apierrors.IsNotFound(err):
		return world{}, nil
	case err != nil:
		return world{}, fmt.Errorf("reading ConfigMap %s/%s: %w", namespace.Name, name, err)
	default:
		return world{published: published}, nil
	}
}

func (c controller) Plan(namespace *corev1.Namespace, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	data := map[string]string{key: c.bundle}
	switch {
	case namespace.DeletionTimestamp != nil || c.bundle == "":
	case w.published == nil:
		p.Create("every Namespace has one", &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{
				Namespace:   namespace.Name,
				Name:        name,
				Annotations: map[string]string{descriptionAnnotation: description},
			},
			Data: data,
		})
	case !equality.Semantic.DeepEqual(w.published.Data, data) || w.published.Annotations[descriptionAnnotation] == "":
		wanted := w.published.DeepCopy()
		wanted.Data = data
		metav1.SetMetaDataAnnotation(&wanted.ObjectMeta, descriptionAnnotation, description)
		p.Patch("it holds the certificate authority of the API server", w.published, wanted)
	}
	return p
}
