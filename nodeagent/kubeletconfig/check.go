package kubeletconfig

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	logsapi "k8s.io/component-base/logs/api/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// Check says what is wrong with a configuration, before Default was called: each field that asks for what this node does not do, and
// each value that means nothing.
func Check(c *kubeletconfigv1beta1.KubeletConfiguration) error {
	var defaults kubeletconfigv1beta1.KubeletConfiguration
	kubeletsDefaults(&defaults)
	usual := map[string]any{}
	visit(reflect.ValueOf(&defaults).Elem(), "", func(path, _ string, value reflect.Value) { usual[path] = value.Interface() })
	c = c.DeepCopy()
	logsapi.SetRecommendedLoggingConfiguration(&c.Logging) // of which a file may say a part
	var errs []error
	visit(reflect.ValueOf(c).Elem(), "", func(path, _ string, value reflect.Value) {
		refused, known := refusals[path]
		if !known || value.IsZero() || reflect.DeepEqual(value.Interface(), usual[path]) || slices.Contains(refused.also, plain(value)) {
			return
		}
		errs = append(errs, fmt.Errorf("%s: %s: this node does not obey it: %s", path, shown(value), refused.why))
	})
	errs = append(errs, validate(c)...)
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// visit calls a function for every field of a struct that is not a struct of the API's package itself, with its path in a file and its
// name in Go. Below a nil pointer it sees nothing.
func visit(of reflect.Value, path string, do func(path, goName string, value reflect.Value)) {
	ours := reflect.TypeFor[kubeletconfigv1beta1.KubeletConfiguration]().PkgPath()
	for i := range of.NumField() {
		field, value := of.Type().Field(i), of.Field(i)
		if field.Anonymous { // the version and the kind
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		below := strings.TrimPrefix(path+"."+name, ".")
		inner := value
		if inner.Kind() == reflect.Pointer && field.Type.Elem().PkgPath() == ours && field.Type.Elem().Kind() == reflect.Struct {
			if inner.IsNil() {
				continue
			}
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct && inner.Type().PkgPath() == ours {
			visit(inner, below, do)
			continue
		}
		do(below, field.Name, value)
	}
}

// plain is a value without its pointer and its name of a type, if it can be compared then.
func plain(value reflect.Value) any {
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.String:
		return value.String()
	case reflect.Bool:
		return value.Bool()
	default:
		return nil
	}
}

// shown is a value as a file has it.
func shown(value reflect.Value) string {
	text, err := json.Marshal(value.Interface())
	if err != nil {
		return fmt.Sprint(value.Interface())
	}
	return string(text)
}
