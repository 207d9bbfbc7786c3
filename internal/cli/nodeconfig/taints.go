package nodeconfig

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// taints is the value of a flag: KEY[=VALUE]:EFFECT, several with commas.
type taints []corev1.Taint

// Type implements pflag.Value.
func (*taints) Type() string { return "taints" }

// String implements pflag.Value.
func (t *taints) String() string {
	var all []string
	for _, taint := range *t {
		all = append(all, taint.ToString())
	}
	return strings.Join(all, ",")
}

// Set implements pflag.Value.
func (t *taints) Set(text string) error {
	*t = nil
	for each := range strings.SplitSeq(text, ",") {
		taint, err := parseTaint(each)
		if err != nil {
			return err
		}
		*t = append(*t, taint)
	}
	return nil
}

func parseTaint(text string) (corev1.Taint, error) {
	name, effect, _ := strings.Cut(text, ":")
	key, value, _ := strings.Cut(name, "=")
	taint := corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)}
	switch taint.Effect {
	case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
	default:
		return taint, fmt.Errorf("%q has no effect: want KEY=VALUE:EFFECT with NoSchedule, PreferNoSchedule or NoExecute", text)
	}
	if errs := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); len(errs) > 0 {
		return taint, fmt.Errorf("%q is no taint: %s", text, strings.Join(errs, "; "))
	}
	return taint, nil
}
