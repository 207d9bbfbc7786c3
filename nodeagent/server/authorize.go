package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/apiserver/pkg/authentication/user"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/clock"
)

// AccessReviewer asks the API server whether somebody may do something.
type AccessReviewer interface {
	ReviewAccess(ctx context.Context, spec authorizationv1.SubjectAccessReviewSpec) (allowed bool, err error)
}

// maxDecisions is how many answers are remembered; upstream's figure.
const maxDecisions = 8192

// authorizer says who may do what with the node, as the API server does.
type authorizer struct {
	reviewer AccessReviewer
	// node is whose name reviews are about; "" for a server that speaks for many nodes, and then they are about all there are.
	node string
	// ttl says how long answers are believed.
	ttl   kubeletconfigv1beta1.KubeletWebhookAuthorization
	known *cache.LRUExpireCache
}

func newAuthorizer(reviewer AccessReviewer, node string, ttl kubeletconfigv1beta1.KubeletWebhookAuthorization, clock clock.PassiveClock) *authorizer {
	return &authorizer{reviewer: reviewer, node: node, ttl: ttl, known: cache.NewLRUExpireCacheWithClock(maxDecisions, clock)}
}

// attributes say what a request is to RBAC: a verb on a subresource of nodes. Any one of several is enough: proxy is the way to
// nearly everything, and the others the way to one thing each, so that nobody has to be given more.
func attributes(method, path string) (verb string, subresources []string) {
	switch method {
	case http.MethodPost:
		verb = "create"
	case http.MethodPut:
		verb = "update"
	case http.MethodPatch:
		verb = "patch"
	case http.MethodDelete:
		verb = "delete"
	default:
		verb = "get"
	}
	top, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch top {
	case "stats", "metrics", "checkpoint", "statusz":
		return verb, []string{top}
	case "flagz": // flags are a part of the configuration
		return verb, []string{"configz"}
	case "logs":
		return verb, []string{"log"}
	case "pods", "runningpods":
		return verb, []string{"pods", "proxy"}
	case "healthz", "configz":
		return verb, []string{top, "proxy"}
	default:
		return verb, []string{"proxy"}
	}
}

// allowed answers for one subresource.
func (a *authorizer) allowed(ctx context.Context, client user.Info, verb, subresource string) (bool, error) {
	spec := authorizationv1.SubjectAccessReviewSpec{
		User: client.GetName(), UID: client.GetUID(), Groups: client.GetGroups(), Extra: map[string]authorizationv1.ExtraValue{},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Version: "v1", Resource: "nodes", Subresource: subresource, Name: a.node,
		},
	}
	for key, values := range client.GetExtra() {
		spec.Extra[key] = values
	}
	key, err := json.Marshal(spec) // maps in the order of their keys: the same for the same
	if err != nil {
		return false, fmt.Errorf("encoding a review: %w", err)
	}
	if known, ok := a.known.Get(string(key)); ok {
		return known.(bool), nil
	}
	allowed, err := a.reviewer.ReviewAccess(ctx, spec)
	if err != nil {
		return false, err
	}
	ttl := a.ttl.CacheUnauthorizedTTL.Duration
	if allowed {
		ttl = a.ttl.CacheAuthorizedTTL.Duration
	}
	a.known.Add(string(key), allowed, ttl)
	return allowed, nil
}
