#include "clams/server/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "config.hpp"
#include "settings.hpp"

namespace clams::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// As the kubelet and docker --link make them.
const EnvironmentVariables kService{{"CLAMS_PORT", "tcp://10.96.0.7:5000"},
                                    {"CLAMS_SERVICE_HOST", "10.96.0.7"},
                                    {"CLAMS_SERVICE_PORT", "5000"},
                                    {"CLAMS_SERVICE_PORT_HTTP", "5000"},
                                    {"CLAMS_SERVICE_PORT_MY_METRICS", "9090"},
                                    {"CLAMS_PORT_5000_TCP", "tcp://10.96.0.7:5000"},
                                    {"CLAMS_PORT_5000_TCP_PROTO", "tcp"},
                                    {"CLAMS_PORT_5000_TCP_PORT", "5000"},
                                    {"CLAMS_PORT_5000_TCP_ADDR", "10.96.0.7"},
                                    {"CLAMS_PORT_53_UDP", "udp://10.96.0.7:53"},
                                    {"CLAMS_PORT_53_UDP_ADDR", "10.96.0.7"},
                                    {"CLAMS_PORT_7_SCTP", "sctp://10.96.0.7:7"}};

TEST(ServiceAddress, IsAProtocolAHostAndAPort) {
  for (const char* yes : {"tcp://10.96.0.7:5000", "udp://10.0.0.1:53", "sctp://10.0.0.1:7", "tcp://[::1]:80",
                          "tcp://[fd00::10:7]:65535", "tcp://db:1"})
    EXPECT_TRUE(is_service_address(yes)) << yes;
  for (const char* no :
       {"", "5000", "tcp", "tcp://", "tcp://:80", "tcp://10.96.0.7", "tcp://10.96.0.7:", "tcp://10.96.0.7:0",
        "tcp://10.96.0.7:65536", "tcp://10.96.0.7:80x", "tcp://10.96.0.7:80/", "http://10.96.0.7:80", "tcp://[]:80", "tcp://::1:80",
        "tcp://a b:80", " tcp://10.96.0.7:80", "TCP://10.96.0.7:80", "tcp://10.96.0.7:+80"})
    EXPECT_FALSE(is_service_address(no)) << no;
}

TEST(Environment, OfAServiceIsOneLine) {
  const auto findings = look_at_environment(kService);
  EXPECT_EQ(findings.injected.size(), kService.size());
  EXPECT_THAT(findings.unknown, IsEmpty());
  EXPECT_THAT(findings.injected_line(), HasSubstr("CLAMS_PORT=tcp://10.96.0.7:5000 and 11 more variables"));
  EXPECT_EQ(findings.injected_line().find('\n'), std::string::npos);
  EXPECT_EQ(findings.unknown_line(), "");
}

TEST(Environment, OfAServiceWithALongerNameIsTheSame) {
  EnvironmentVariables longer;
  for (const std::string prefix : {"CLAMS_GPU_", "CLAMS_THREADS_", "CLAMS_PORT_"}) {
    for (const auto& [name, value] : kService) longer.emplace_back(prefix + name.substr(6), value);
  }
  const auto findings = look_at_environment(longer);
  EXPECT_EQ(findings.injected.size(), longer.size());
  EXPECT_THAT(findings.unknown, IsEmpty());
}

TEST(Environment, OfALinkedContainerIsNotOurs) {
  const auto findings = look_at_environment({{"CLAMS_NAME", "/web/clams"},
                                             {"CLAMS_ENV_PATH", "/bin"},
                                             {"CLAMS_ENV_SECRET", "hush"},
                                             {"CLAMS_PORT_5000_TCP_START", "tcp://172.17.0.2:5000"},
                                             {"CLAMS_PORT_5000_TCP_PORT_END", "5010"}});
  EXPECT_THAT(findings.unknown, IsEmpty());
  EXPECT_EQ(findings.injected.size(), 5U);
  EXPECT_EQ(findings.injected_line().find("hush"), std::string::npos) << "values of another container's environment are not shown";
  EXPECT_THAT(look_at_environment({{"CLAMS_ENV_PATH", "/bin"}}).unknown, ElementsAre("CLAMS_ENV_PATH")) << "of no link";
  for (const char* name : {"CLAMS_PORT_5000_TCP_X", "CLAMS_PORT_X_TCP", "CLAMS_PORT_5000", "CLAMS_PORT_5000_HTTP", "CLAMS_PORTS"})
    EXPECT_THAT(look_at_environment({{name, "1"}}).unknown, ElementsAre(name));
}

TEST(Environment, WithUnknownNamesIsOneLineThatSaysWhatWasMeant) {
  const auto findings = look_at_environment({{"CLAMS_PROT", "80"},
                                             {"CLAMS_HEADROM", "1GiB"},
                                             {"CLAMS_ZEBRA", "1"},
                                             {"CLAMS_NAME", "x"},
                                             {"CLAMSPORT", "1"},
                                             {"PORT", "2"}});
  EXPECT_THAT(findings.unknown, ElementsAre("CLAMS_HEADROM", "CLAMS_NAME", "CLAMS_PROT", "CLAMS_ZEBRA"));
  EXPECT_THAT(findings.unknown_line(), HasSubstr("CLAMS_HEADROM (did you mean CLAMS_HEADROOM?)"));
  EXPECT_THAT(findings.unknown_line(), HasSubstr("CLAMS_PROT (did you mean CLAMS_PORT?)"));
  EXPECT_THAT(findings.unknown_line(), HasSubstr("CLAMS_ZEBRA:"));
  EXPECT_EQ(findings.unknown_line().find('\n'), std::string::npos);
}

TEST(Environment, WithVeryManyUnknownNamesIsAShortLine) {
  EnvironmentVariables many;
  for (int i = 100; i < 200; ++i) many.emplace_back("CLAMS_UNHEARD_OF_" + std::to_string(i), "");
  EXPECT_THAT(look_at_environment(many).unknown_line(), HasSubstr("CLAMS_UNHEARD_OF_109 and 90 more: no such settings"));
}

TEST(Environment, KnowsEverySettingAndTheFamily) {
  EnvironmentVariables variables;
  for (const Setting& setting : settings()) variables.emplace_back(setting.variable(), "1");
  for (const char* name : {"CLAMS_LOGLEVEL", "CLAMS_APP_VERSION", "CLAMS_GUNICORN_WORKERS", "CLAMS_VRAM_DIR", "CLAMS_PROFILE_DIR",
                           "CLAMS_WHISPER_MODELS", "CLAMS_VRAM_DEMO_IDENTIFIER", "CLAMS_CONFIG", "CLAMS_TEST_PYTHON",
                           "CLAMS_FAKE_NVML", "CLAMS_CRASH_AT", "CLAMS_BIN"})
    variables.emplace_back(name, "1");
  const auto findings = look_at_environment(variables);
  EXPECT_THAT(findings.unknown, IsEmpty());
  EXPECT_THAT(findings.injected, IsEmpty());
}

base::Result<Config> parsed(const std::map<std::string, std::string>& variables, std::vector<const char*> words = {"app"}) {
  ProgramInfo program;
  program.name = "app";
  program.apps = {""};
  program.facts = [](const std::string&) { return std::optional(AppFacts{}); };
  const auto lookup = [&](const std::string& name) {
    const auto at = variables.find(name);
    return at == variables.end() ? std::nullopt : std::optional(at->second);
  };
  auto outcome = parse_config(static_cast<int>(words.size()), words.data(), lookup, program);
  if (!outcome) return outcome.error();
  return std::get<Config>(*outcome);
}

TEST(Environment, OfAServiceSetsNoPort) {
  EXPECT_EQ(parsed({{"CLAMS_PORT", "tcp://10.96.0.7:4000"}}).value().port, 5000);
  EXPECT_EQ(parsed({{"CLAMS_PORT", "tcp://[::1]:80"}}).value().port, 5000);
  EXPECT_EQ(parsed({{"CLAMS_PORT", "tcp://10.96.0.7:4000"}}, {"app", "--port", "6000"}).value().port, 6000);
  EXPECT_EQ(parsed({{"CLAMS_PORT", "4000"}}).value().port, 4000);
}

TEST(Environment, WithAPortThatIsNeitherANumberNorAServiceIsAnError) {
  for (const char* value : {"tcp://", "http://10.96.0.7:80", "80x", "tcp://10.96.0.7:99999", "-1"}) {
    const auto config = parsed({{"CLAMS_PORT", value}});
    ASSERT_FALSE(config) << value;
    EXPECT_EQ(config.error().code, base::ErrorCode::Configuration);
    EXPECT_THAT(config.error().message, HasSubstr("CLAMS_PORT"));
  }
  EXPECT_FALSE(parsed({{"CLAMS_HOST", "x"}, {"CLAMS_THREADS", "tcp://10.96.0.7:80"}})) << "no variable of a Service is called so";
}

}  // namespace
}  // namespace clams::server
