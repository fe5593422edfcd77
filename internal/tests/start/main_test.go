package start_test

import (
	"testing"

	"github.com/go-initscript/initscript/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
