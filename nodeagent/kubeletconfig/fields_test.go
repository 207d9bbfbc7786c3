package kubeletconfig

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"

	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// obeyed are the files of the node agent, or of the program around it, that obey a field and name it.
var obeyed = map[string]string{
	"address":                                    "../internal/cli/nodes.go",
	"allowedUnsafeSysctls":                       "agent.go",
	"authentication.webhook.cacheTTL":            "server/server.go",
	"authentication.x509.clientCAFile":           "configured.go",
	"authorization.webhook.cacheAuthorizedTTL":   "server/authorize.go",
	"authorization.webhook.cacheUnauthorizedTTL": "server/authorize.go",
	"clusterDNS":                                 "agent.go",
	"clusterDomain":                              "agent.go",
	"containerLogMaxFiles":                       "configured.go",
	"containerLogMaxSize":                        "configured.go",
	"containerLogMonitorInterval":                "configured.go",
	"containerRuntimeEndpoint":                   "../internal/cli/runtime.go",
	"cpuManagerPolicy":                           "managers.go",
	"cpuManagerPolicyOptions":                    "managers.go",
	"cpuManagerReconcilePeriod":                  "managers.go",
	"memoryManagerPolicy":                        "managers.go",
	"reservedMemory":                             "managers.go",
	"topologyManagerPolicy":                      "managers.go",
	"topologyManagerPolicyOptions":               "managers.go",
	"topologyManagerScope":                       "managers.go",
	"reservedSystemCPUs":                         "managers.go",
	"crashLoopBackOff.maxContainerRestartPeriod": "agent.go",
	"enableDebuggingHandlers":                    "server/routes.go",
	"enableProfilingHandler":                     "server/routes.go",
	"enableServer":                               "configured.go",
	"enableSystemLogHandler":                     "server/routes.go",
	"enableSystemLogQuery":                       "server/systemlogs.go",
	"eventBurst":                                 "configured.go",
	"eventRecordQPS":                             "configured.go",
	"failCgroupV1":                               "configured.go",
	"failSwapOn":                                 "configured.go",
	"healthzBindAddress":                         "serve.go",
	"healthzPort":                                "serve.go",
	"kubeAPIBurst":                               "configured.go",
	"kubeAPIQPS":                                 "configured.go",
	"evictionHard":                               "configured.go",
	"evictionSoft":                               "configured.go",
	"evictionSoftGracePeriod":                    "configured.go",
	"evictionPressureTransitionPeriod":           "configured.go",
	"evictionMaxPodGracePeriod":                  "configured.go",
	"evictionMinimumReclaim":                     "configured.go",
	"mergeDefaultEvictionSettings":               "configured.go",
	"imageMinimumGCAge":                          "configured.go",
	"imageMaximumGCAge":                          "configured.go",
	"imageGCHighThresholdPercent":                "configured.go",
	"imageGCLowThresholdPercent":                 "configured.go",
	"systemReserved":                             "configured.go",
	"kubeReserved":                               "configured.go",
	"systemReservedCgroup":                       "configured.go",
	"kubeReservedCgroup":                         "configured.go",
	"enforceNodeAllocatable":                     "configured.go",
	"podPidsLimit":                               "configured.go",
	"maxParallelImagePulls":                      "configured.go",
	"maxPods":                                    "configured.go",
	"nodeLeaseDurationSeconds":                   "agent.go",
	"nodeStatusMaxImages":                        "agent.go",
	"nodeStatusReportFrequency":                  "agent.go",
	"nodeStatusUpdateFrequency":                  "agent.go",
	"podsPerCore":                                "configured.go",
	"port":                                       "../internal/cli/nodes.go",
	"providerID":                                 "agent.go",
	"registerNode":                               "agent.go",
	"registerWithTaints":                         "agent.go",
	"registryBurst":                              "configured.go",
	"registryPullQPS":                            "configured.go",
	"resolvConf":                                 "agent.go",
	"rotateCertificates":                         "../internal/cli/runtime.go",
	"runtimeRequestTimeout":                      "agent.go",
	"seccompDefault":                             "agent.go",
	"serializeImagePulls":                        "configured.go",
	"serverTLSBootstrap":                         "../internal/cli/runtime.go",
	"fileCheckFrequency":                         "staticpods.go",
	"httpCheckFrequency":                         "staticpods.go",
	"shutdownGracePeriod":                        "shutdown/ranges.go",
	"shutdownGracePeriodByPodPriority":           "shutdown/ranges.go",
	"shutdownGracePeriodCriticalPods":            "shutdown/ranges.go",
	"staticPodPath":                              "staticpods.go",
	"staticPodURL":                               "staticpods.go",
	"staticPodURLHeader":                         "staticpods.go",
	"tlsCertFile":                                "configured.go",
	"tlsCipherSuites":                            "server/server.go",
	"tlsCurvePreferences":                        "server/server.go",
	"tlsMinVersion":                              "server/server.go",
	"tlsPrivateKeyFile":                          "configured.go",
	"userNamespaces.idsPerPod":                   "configured.go",
}

// TestEveryFieldIsObeyedOrRefused goes over the API's type: a field that a new version adds is in neither table, and fails here.
func TestEveryFieldIsObeyedOrRefused(t *testing.T) {
	known := map[string]bool{}
	whole := reflect.New(reflect.TypeFor[kubeletconfigv1beta1.KubeletConfiguration]()).Elem()
	fill(whole)
	visit(whole, "", func(path, goName string, _ reflect.Value) {
		known[path] = true
		_, refused := refusals[path]
		file, isObeyed := obeyed[path]
		switch {
		case refused && isObeyed:
			t.Errorf("%s is said to be obeyed, and is refused", path)
		case !refused && !isObeyed:
			t.Errorf("%s: nothing says whether this node obeys or refuses it", path)
		case isObeyed && !names(t, file, goName):
			t.Errorf("%s is obeyed in %s, but %s is not named there", path, file, goName)
		case refused && refusals[path].why == "":
			t.Errorf("%s is refused without a reason", path)
		}
	})
	for path := range refusals {
		if !known[path] {
			t.Errorf("there is no field %s to be refused", path)
		}
	}
	for path := range obeyed {
		if !known[path] {
			t.Errorf("there is no field %s to be obeyed", path)
		}
	}
}

// TestWhatIsNotObeyedIsRefused asks for something else than the default in each field that is not obeyed.
func TestWhatIsNotObeyedIsRefused(t *testing.T) {
	for path, refused := range refusals {
		c := &kubeletconfigv1beta1.KubeletConfiguration{}
		fill(reflect.ValueOf(c).Elem())
		kubeletsDefaults(c)
		asked := false
		visit(reflect.ValueOf(c).Elem(), "", func(at, _ string, value reflect.Value) {
			if at == path {
				unusual(value)
				asked = !slices.Contains(refused.also, plain(value))
			}
		})
		if !asked { // whatever a switch says, this node does the same
			continue
		}
		if err := Check(c); err == nil || !regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(path)+`: `).MatchString(err.Error()) {
			t.Errorf("%s: what is not the default is not refused: %v", path, err)
		}
	}
}

func TestTheKubeletsDefaultIsNoRefusal(t *testing.T) {
	c := &kubeletconfigv1beta1.KubeletConfiguration{}
	if err := Check(c); err != nil {
		t.Errorf("a configuration that says nothing: %v", err)
	}
	kubeletsDefaults(c)
	if err := Check(c); err != nil {
		t.Errorf("one that says what a kubelet does by default: %v", err)
	}
	Default(c)
	if err := Check(c); err != nil {
		t.Errorf("one that says what this node does by default: %v", err)
	}
}

// fill sets pointers to structs of the API's package.
func fill(of reflect.Value) {
	for i := range of.NumField() {
		field := of.Field(i)
		if field.Kind() == reflect.Pointer && field.Type().Elem().Kind() == reflect.Struct && field.Type().Elem().PkgPath() == of.Type().PkgPath() {
			field.Set(reflect.New(field.Type().Elem()))
		}
	}
}

// unusual sets another value than the default, which is there.
func unusual(value reflect.Value) {
	switch value.Kind() {
	case reflect.Pointer:
		other := reflect.New(value.Type().Elem())
		if !value.IsNil() {
			other.Elem().Set(value.Elem())
		}
		unusual(other.Elem())
		value.Set(other)
	case reflect.Struct:
		unusual(value.Field(0))
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), 1, 1))
		unusual(value.Index(0))
	case reflect.Map:
		value.Set(reflect.MakeMap(value.Type()))
		key, element := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
		unusual(key)
		value.SetMapIndex(key, element)
	case reflect.String:
		value.SetString("unusual")
	case reflect.Bool:
		value.SetBool(!value.Bool())
	case reflect.Int32, reflect.Int64:
		value.SetInt(12345)
	case reflect.Float64:
		value.SetFloat(0.125)
	default:
		panic("no unusual value for a " + value.Type().String())
	}
}

// names says whether a file speaks of a field.
func names(t *testing.T, file, field string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\.` + field + `\b`).Match(text)
}
