package rootcacertpublisher

import (
	"time"

	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What the ConfigMap is made of, letter by letter as Kubernetes has it.
const (
	configMapName = "kube-root-ca.crt"
	dataKey       = "ca.crt"

	descriptionAnnotation = "kubernetes.io/description"
	description           = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " +
		"No other usage is guaranteed across distributions of Kubernetes clusters."
)

// Plan publishes the certificates where they are missing or not as they should be.
func (c Controller) Plan(namespace *corev1.Namespace, w world, _ time.Time) *plan.Plan {
	p := plan.New()
	data := map[string]string{dataKey: c.rootCA}
	switch {
	case namespace.DeletionTimestamp != nil || c.rootCA == "":
	case w.published == nil:
		p.Create("every Namespace has one", &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{
				Namespace:   namespace.Name,
				Name:        configMapName,
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
