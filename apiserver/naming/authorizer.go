package naming

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/orrery-dev/orrery/apis"
)

// AuditAnnotation says in the audit log by which API version a request asked, where that was a second name.
const AuditAnnotation = "orrery.dev/asked-as"

// Authorizer answers whether somebody may do something by a second name as judge does for the first: as it will be judged
// when it is done. It is asked by kubectl auth can-i, and by servers that delegate. Of requests it notes in the audit log
// which name they used.
func Authorizer(judge authorizer.Authorizer) authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if asked := questionOf(ctx); asked != nil {
			audit.AddAuditAnnotation(ctx, AuditAnnotation, asked.groupVersion)
		}
		named := schema.GroupResource{Group: a.GetAPIGroup(), Resource: a.GetResource()}
		if first := apis.Kubernetes.GroupResource(named); first != named {
			a = byFirst{a, first.Group}
		}
		return judge.Authorize(ctx, a)
	})
}

// byFirst are attributes of a request by a second name, with the first.
type byFirst struct {
	authorizer.Attributes
	group string
}

func (b byFirst) GetAPIGroup() string { return b.group }
