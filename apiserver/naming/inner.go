package naming

import (
	"context"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/orrery-dev/orrery/apis"
)

// Inner is the filter that stands inside of all others, where a request is known, let in, judged and written to the audit log.
//
// It answers requests of which the [Door] could tell that they cannot be translated. And it refuses every request that the
// server takes for one for the objects of a second name, however that came past the door: there are none, and whatever were
// stored there would have been judged by nobody.
func Inner(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := questionOf(r.Context()); asked != nil && asked.refusal != nil {
			refuse(w, asked.refusal)
			return
		}
		if info, ok := request.RequestInfoFrom(r.Context()); ok && info.IsResourceRequest && isSecondName(info.APIGroup, info.Resource) {
			refuse(w, refusal(http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource"))
			return
		}
		server.ServeHTTP(w, r)
	})
}

// isSecondName reports that a resource is the second name of another, in whatever version.
func isSecondName(group, resource string) bool {
	named := schema.GroupResource{Group: group, Resource: resource}
	return apis.Kubernetes.GroupResource(named) != named
}

// question is what a request by a second name asked.
type question struct {
	// groupVersion is the API version of the second name.
	groupVersion string
	// refusal is why it cannot be translated; nil if it can.
	refusal *metav1.Status
}

type questionKey struct{}

func withQuestion(ctx context.Context, asked *question) context.Context {
	return context.WithValue(ctx, questionKey{}, asked)
}

// questionOf is what a request asked by a second name; nil if it used the first.
func questionOf(ctx context.Context) *question {
	asked, _ := ctx.Value(questionKey{}).(*question)
	return asked
}
