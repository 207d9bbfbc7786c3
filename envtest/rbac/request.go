package rbac

import (
	"fmt"
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// Request is what the API server judges a request by. Fields are empty where the request has none.
type Request struct {
	// Verb is one of RBAC's: get, list, watch, create, update, patch, delete, deletecollection. That of a URL is of HTTP, in lower case.
	Verb string
	// Group and Resource are what it is about, the latter with the subresource, as in "pods/status".
	Group, Resource string
	// Namespace and Name are of the object. What covers a whole cluster has no namespace, and what is created has no name.
	Namespace, Name string
	// URL is the path of a request that is about no resource, as "/healthz".
	URL string
}

var infos = &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// requestOf reads a request as the API server does.
func requestOf(r *http.Request) (Request, error) {
	info, err := infos.NewRequestInfo(r)
	if err != nil {
		return Request{}, fmt.Errorf("reading what %s %s is about: %w", r.Method, r.URL.Path, err)
	}
	if !info.IsResourceRequest {
		return Request{Verb: info.Verb, URL: info.Path}, nil
	}
	resource := info.Resource
	if info.Subresource != "" {
		resource += "/" + info.Subresource
	}
	return Request{Verb: info.Verb, Group: info.APIGroup, Resource: resource, Namespace: info.Namespace, Name: info.Name}, nil
}

// qualified is a resource with its group, as in "pods" or "deployments.apps/status".
func qualified(group, resource string) string {
	if group == "" {
		return resource
	}
	name, sub, found := strings.Cut(resource, "/")
	name += "." + group
	if found {
		name += "/" + sub
	}
	return name
}

// split parts a resource from its subresource, if it has one.
func split(resource string) (name, sub string) {
	name, sub, _ = strings.Cut(resource, "/")
	return name, sub
}

// String says it as in "get deployments.apps/status web in namespace default".
func (r Request) String() string {
	if r.URL != "" {
		return r.Verb + " " + r.URL
	}
	text := r.Verb + " " + qualified(r.Group, r.Resource)
	if r.Name != "" {
		text += " " + r.Name
	}
	if r.Namespace != "" {
		text += " in namespace " + r.Namespace
	}
	return text
}
