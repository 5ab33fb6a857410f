#pragma once

#include <functional>
#include <optional>
#include <string>

#include "postrider/net/stream.h"

namespace postrider::test {

/// An owner of a stream that writes down what it is told.
class Recorder final : public net::StreamEvents {
  public:
    void on_input() override {
        ++pieces;
        if (consumes) {
            received += stream->input();
            stream->consume(stream->input().size());
        }
        changed();
    }
    void on_output_low() override {
        ++output_low;
        changed();
    }
    void on_closed(const Error& why) override {
        ++ends;
        closed = why;
        changed();
    }

    void reset() {
        stream = nullptr;
        consumes = true;
        received.clear();
        pieces = 0;
        output_low = 0;
        ends = 0;
        closed.reset();
    }

    net::ByteStream* stream = nullptr;
    bool consumes = true;  ///< takes all input at once
    std::string received;
    int pieces = 0;
    int output_low = 0;
    int ends = 0;
    std::optional<Error> closed;
    std::function<void()> on_change;  ///< called last, after each event

  private:
    void changed() const {
        if (on_change) {
            const auto call = on_change;  // may destroy the recorder
            call();
        }
    }
};

}  // namespace postrider::test
