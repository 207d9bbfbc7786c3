package server

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/utils/clock"
)

// Reviewer asks the API server whether somebody may do something.
type Reviewer interface {
	Review(ctx context.Context, spec authorizationv1.SubjectAccessReviewSpec) (allowed bool, err error)
}

// How long answers are believed; upstream's figures.
const (
	authorizedTTL   = 5 * time.Minute
	unauthorizedTTL = 30 * time.Second
)

// authFilter lets requests through whose client is known and allowed.
type authFilter struct {
	reviewer Reviewer
	clock    clock.PassiveClock

	mu    sync.Mutex
	known map[string]decision
}

type decision struct {
	allowed bool
	until   time.Time
}

func newAuthFilter(reviewer Reviewer, clock clock.PassiveClock) *authFilter {
	return &authFilter{reviewer: reviewer, clock: clock, known: map[string]decision{}}
}

func (a *authFilter) filter(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return
		}
		client := r.TLS.VerifiedChains[0][0].Subject
		verb, subresources := attributes(r.Method, r.URL.Path)
		for _, subresource := range subresources {
			allowed, err := a.allowed(r.Context(), client.CommonName, client.Organization, verb, subresource)
			if err != nil {
				refuse(w, http.StatusInternalServerError, "Authorization error (user=%s, verb=%s, resource=nodes, subresource=%s): %v", client.CommonName, verb, subresource, err)
				return
			}
			if allowed {
				next.ServeHTTP(w, r)
				return
			}
		}
		refuse(w, http.StatusForbidden, "Forbidden (user=%s, verb=%s, resource=nodes, subresource(s)=%v)", client.CommonName, verb, subresources)
	})
}

// attributes say what a request is to RBAC: a verb on a subresource of nodes. Any one of several is enough.
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
	case "stats", "metrics":
		return verb, []string{top}
	case "logs":
		return verb, []string{"log"}
	case "pods", "runningpods":
		return verb, []string{"pods", "proxy"}
	case "healthz":
		return verb, []string{"healthz", "proxy"}
	default:
		return verb, []string{"proxy"}
	}
}

func (a *authFilter) allowed(ctx context.Context, user string, groups []string, verb, subresource string) (bool, error) {
	key := strings.Join(append([]string{user, verb, subresource}, groups...), "\x00")
	now := a.clock.Now()
	a.mu.Lock()
	last, ok := a.known[key]
	a.mu.Unlock()
	if ok && now.Before(last.until) {
		return last.allowed, nil
	}
	allowed, err := a.reviewer.Review(ctx, authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: append([]string{"system:authenticated"}, groups...),
		// No name means every node: one server can speak for many.
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: verb, Version: "v1", Resource: "nodes", Subresource: subresource},
	})
	if err != nil {
		return false, err
	}
	until := now.Add(unauthorizedTTL)
	if allowed {
		until = now.Add(authorizedTTL)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[key] = decision{allowed, until}
	return allowed, nil
}
