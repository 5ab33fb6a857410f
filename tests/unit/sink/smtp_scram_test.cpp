// SCRAM through the sink: the key is derived on the worker, and the server proves itself.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "postrider/mail/digests.h"
#include "postrider/protocol/sasl/scram_key.h"

#include "protocol/sasl/encoding.h"
#include "unit/sink/sink_fixture.h"

namespace postrider::sink {
namespace {

/// A server that answers each line by a function; the connector to give to a sink.
class LineServer final : public net::Connector {
  public:
    using Answer = std::function<std::string(const std::string& line)>;

    LineServer(event::Loop& loop, std::string greeting, Answer answer)
        : loop_(loop), greeting_(std::move(greeting)), answer_(std::move(answer)) {}

    [[nodiscard]] std::unique_ptr<event::Operation> connect(const net::ConnectRequest& /*request*/,
                                                            net::ConnectDone done) override {
        auto connecting = std::make_unique<Connecting>();
        connecting->timer = loop_.make_timer(
            [this, done = std::move(done)] { done(std::make_unique<Stream>(*this)); });
        connecting->timer->arm(Duration::zero());
        return connecting;
    }

  private:
    struct Connecting final : event::Operation {
        std::unique_ptr<event::Timer> timer;
    };

    class Stream final : public net::ByteStream {
      public:
        explicit Stream(LineServer& server)
            : server_(server),
              input_(server.greeting_),
              tell_(server.loop_.make_timer([this] { events_->on_input(); })) {}

        void attach(net::StreamEvents* events) override {
            events_ = events;
            tell_->arm(Duration::zero());
        }
        [[nodiscard]] std::string_view input() const override { return input_; }
        void consume(std::size_t count) override { input_.erase(0, count); }
        void write(std::string_view bytes) override {
            output_ += bytes;
            for (std::size_t end = 0; (end = output_.find("\r\n")) != std::string::npos;
                 output_.erase(0, end + 2)) {
                input_ += server_.answer_(output_.substr(0, end));
                tell_->arm(Duration::zero());
            }
        }
        [[nodiscard]] std::size_t output_pending() const override { return 0; }
        void pause_reading() override {}
        void resume_reading() override {}
        void start_tls(const net::TlsSettings& /*settings*/,
                       std::function<void(Expected<void>)> /*done*/) override {}
        [[nodiscard]] bool is_encrypted() const override { return false; }
        [[nodiscard]] net::PeerInfo peer() const override { return {"127.0.0.1", ""}; }

      private:
        LineServer& server_;
        std::string input_;
        std::string output_;
        net::StreamEvents* events_ = nullptr;
        std::unique_ptr<event::Timer> tell_;
    };

    event::Loop& loop_;
    std::string greeting_;
    Answer answer_;
};

std::string base64(const std::string& text) {
    return std::string(sasl::to_base64(text).reveal());
}

std::string decoded(const std::string& text) {
    return std::string(sasl::from_base64(text).value().reveal());
}

/// The server side of one SCRAM-SHA-256 (RFC 5802 section 3).
class ScramServer {
  public:
    explicit ScramServer(std::string password) : password_(std::move(password)) {}

    std::string answer(const std::string& line) {
        constexpr std::string_view kAuth = "AUTH SCRAM-SHA-256 ";
        if (line.starts_with("EHLO")) {
            return "250-mx\r\n250 AUTH SCRAM-SHA-256\r\n";
        }
        if (line.starts_with(kAuth)) {
            client_first_ = decoded(line.substr(kAuth.size())).substr(std::string("n,,").size());
            server_first_ =
                client_first_.substr(client_first_.find("r=")) + "srv,s=c2FsdA==,i=4096";
            return "334 " + base64(server_first_) + "\r\n";
        }
        if (!server_first_.empty() && signature_.empty()) {
            return prove(decoded(line));
        }
        return line.empty() ? "235 2.7.0 welcome\r\n" : "";
    }

  private:
    std::string prove(const std::string& client_final) {
        const std::string salted(
            sasl::derive_key({mail::Hash::sha256, Secret(password_), "salt", 4096}).reveal());
        const std::string without_proof = client_final.substr(0, client_final.find(",p="));
        signature_ =
            mail::hmac(mail::Hash::sha256, mail::hmac(mail::Hash::sha256, salted, "Server Key"),
                       client_first_ + "," + server_first_ + "," + without_proof);
        return "334 " + base64("v=" + base64(signature_)) + "\r\n";
    }

    std::string password_;
    std::string client_first_;
    std::string server_first_;
    std::string signature_;
};

// P-015
TEST(SmtpScram, TheKeyIsDerivedOnTheWorker) {
    test::SimLoop loop;
    test::SimWorker worker(loop);
    ScramServer scram("pencil");
    LineServer server(loop, "220 mx\r\n",
                      [&](const std::string& line) { return scram.answer(line); });
    SmtpSettings settings;
    settings.hosts = {{{"127.0.0.1", 25, ""}, {}}};
    settings.hello_name = "me.example";
    settings.login = {"me", Secret(std::string("pencil")), ""};
    const auto sink = make_smtp_sink(loop, worker, server, settings);
    std::optional<Expected<void>> probed;
    const auto probe = sink->probe([&](Expected<void> outcome) { probed = std::move(outcome); });
    loop.run_until_idle();
    EXPECT_EQ(worker.jobs_run(), 1U);
    ASSERT_TRUE(probed);
    EXPECT_TRUE(probed->has_value()) << probed->error().text;
}

// P-015
TEST(SmtpScram, AServerThatDoesNotKnowThePasswordIsNotBelieved) {
    test::SimLoop loop;
    test::SimWorker worker(loop);
    ScramServer scram("another");
    LineServer server(loop, "220 mx\r\n",
                      [&](const std::string& line) { return scram.answer(line); });
    SmtpSettings settings;
    settings.hosts = {{{"127.0.0.1", 25, ""}, {}}};
    settings.login = {"me", Secret(std::string("pencil")), ""};
    const auto sink = make_smtp_sink(loop, worker, server, settings);
    std::optional<Expected<void>> probed;
    const auto probe = sink->probe([&](Expected<void> outcome) { probed = std::move(outcome); });
    loop.advance(std::chrono::hours(1));
    ASSERT_TRUE(probed);
    EXPECT_FALSE(probed->has_value());
}

}  // namespace
}  // namespace postrider::sink
