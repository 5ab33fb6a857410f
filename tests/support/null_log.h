#pragma once

#include <initializer_list>
#include <string_view>

#include "postrider/base/log.h"

namespace postrider::test {

/// For tests that do not look at the log.
class NullLog final : public Log {
  public:
    void write(LogLevel /*level*/, std::string_view /*event*/,
               std::initializer_list<Field> /*fields*/) override {}
};

}  // namespace postrider::test
