package plan

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// describe names objects in a few words: "Pod default/web-x7k2p", "3 Pods (default/web-*)", "5 objects".
func describe(objs []client.Object) string {
	if len(objs) == 1 {
		return name(objs[0])
	}
	first := kind(objs[0])
	for _, obj := range objs {
		if kind(obj) != first {
			return fmt.Sprintf("%d objects", len(objs))
		}
	}
	names := make([]string, 0, 3)
	for _, obj := range objs {
		if len(names) == cap(names) {
			names = append(names, "...")
			break
		}
		if n := path(obj); len(names) == 0 || names[len(names)-1] != n {
			names = append(names, n)
		}
	}
	return fmt.Sprintf("%d %s (%s)", len(objs), plural(first), strings.Join(names, ", "))
}

// objects are objects of one kind as objects of any.
func objects[T client.Object](objs []T) []client.Object {
	out := make([]client.Object, len(objs))
	for i, obj := range objs {
		out[i] = obj
	}
	return out
}

// plural is a kind in the plural, by the rule that names its resource.
func plural(kind string) string {
	switch {
	case strings.HasSuffix(kind, "s"):
		return kind + "es"
	case strings.HasSuffix(kind, "y"):
		return strings.TrimSuffix(kind, "y") + "ies"
	default:
		return kind + "s"
	}
}

// name is an object's kind, namespace and name: "Pod default/web-x7k2p", "Node a".
func name(obj client.Object) string { return kind(obj) + " " + path(obj) }

// path is an object's namespace and name, with "*" for what the server will generate.
func path(obj client.Object) string {
	name := obj.GetName()
	if name == "" {
		name = obj.GetGenerateName() + "*"
	}
	if obj.GetNamespace() == "" {
		return name
	}
	return obj.GetNamespace() + "/" + name
}

// kind is an object's kind: of a typed object the name of its Go type, since decoding leaves the field empty.
func kind(obj client.Object) string {
	if kind := obj.GetObjectKind().GroupVersionKind().Kind; kind != "" {
		return kind
	}
	return reflect.TypeOf(obj).Elem().Name()
}

// appliedName names an apply configuration. The generated ones and unstructured objects have these accessors.
func appliedName(config runtime.ApplyConfiguration) string {
	type accessor interface {
		GetKind() *string
		GetNamespace() *string
		GetName() *string
	}
	switch c := config.(type) {
	case client.Object:
		return name(c)
	case accessor:
		words := ""
		if kind := c.GetKind(); kind != nil {
			words = *kind + " "
		}
		if namespace := c.GetNamespace(); namespace != nil {
			words += *namespace + "/"
		}
		if name := c.GetName(); name != nil {
			words += *name
		}
		return words
	default:
		return fmt.Sprintf("%T", config)
	}
}
