#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "postrider/event/loop.h"
#include "postrider/net/connector.h"

#include "unit/net/recorder.h"
#include "unit/net/test_server.h"

namespace postrider::net {

using namespace std::chrono_literals;

/// A client on a real loop that connects to servers of the test.
class NetTest : public testing::Test {
  protected:
    NetTest() {
        recorder.on_change = [this] { changed(); };
    }
    /// Runs the loop until `predicate` holds, looked at after each event; a failure of the test if
    /// that takes longer than anything should.
    void run_until(std::function<bool()> predicate) {
        until_ = std::move(predicate);
        const auto too_late = loop->make_timer([this] {
            ADD_FAILURE() << "waited in vain";
            loop->stop();
        });
        too_late->arm(10s);
        if (!until_()) {
            loop->run();
        }
        until_ = nullptr;
    }

    void changed() {
        if (until_ && until_()) {
            loop->stop();
        }
    }

    /// Runs the loop for some turns, in which what is due now happens.
    void turn_some() {
        for (int i = 0; i < 5; ++i) {
            loop->defer([this] { loop->stop(); });
            loop->run();
        }
    }

    /// The outcome of a connect; the stream it brings is attached to the recorder.
    std::optional<Error> connect(const ConnectRequest& request) {
        std::optional<Expected<std::unique_ptr<ByteStream>>> outcome;
        const auto operation =
            connector->connect(request, [&](Expected<std::unique_ptr<ByteStream>> result) {
                outcome = std::move(result);
                changed();
            });
        EXPECT_FALSE(outcome.has_value());
        run_until([&] { return outcome.has_value(); });
        if (!outcome) {
            return Error{Errc::timed_out, Retry::never, "the test gave up"};
        }
        if (!*outcome) {
            return outcome->error();
        }
        stream = std::move(**outcome);
        recorder.reset();
        recorder.stream = stream.get();
        stream->attach(&recorder);
        return std::nullopt;
    }

    std::optional<Error> connect_to(std::uint16_t port,
                                    std::optional<TlsSettings> tls = std::nullopt) {
        ConnectRequest request;
        request.endpoint = {"127.0.0.1", port, ""};
        request.tls = std::move(tls);
        return connect(request);
    }

    Expected<void> start_tls(const TlsSettings& settings) {
        std::optional<Expected<void>> outcome;
        stream->start_tls(settings, [&](Expected<void> result) {
            outcome = std::move(result);
            changed();
        });
        EXPECT_FALSE(outcome.has_value());
        run_until([&] { return outcome.has_value(); });
        return outcome.value_or(failure(Errc::timed_out, Retry::never, "the test gave up"));
    }

    const std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    std::unique_ptr<Connector> connector = make_connector(*loop);
    test::Recorder recorder;
    std::unique_ptr<ByteStream> stream;

  private:
    std::function<bool()> until_;
};

}  // namespace postrider::net
