// Plays every file of tests/scenarios: the whole way of a poll against a POP3 server that has one
// vice or another, in virtual time.
#include <algorithm>
#include <filesystem>

#include <gtest/gtest.h>

#include "support/pop3_scenario.h"

namespace postrider::test {
namespace {

std::vector<std::string> scenarios() {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(POSTRIDER_SCENARIOS)) {
        if (entry.path().extension() == ".txt") {
            files.push_back(entry.path().stem());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

class Pop3Scenarios : public testing::TestWithParam<std::string> {};

TEST_P(Pop3Scenarios, GoesAsItSays) {
    Pop3Scenario().play(std::string(POSTRIDER_SCENARIOS) + "/" + GetParam() + ".txt");
}

INSTANTIATE_TEST_SUITE_P(Files, Pop3Scenarios, testing::ValuesIn(scenarios()),
                         [](const testing::TestParamInfo<std::string>& file) {
                             std::string name = file.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace postrider::test
