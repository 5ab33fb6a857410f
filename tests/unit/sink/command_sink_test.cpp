#include "postrider/sink/command_sink.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "postrider/mail/places.h"

#include "unit/sink/local_fixture.h"
#include "unit/sink/sink_contract.h"

namespace postrider::sink {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// What was logged, one line an event.
class KeptLog : public Log {
  public:
    void write(LogLevel level, std::string_view event,
               std::initializer_list<Field> fields) override {
        std::string line = (level == LogLevel::warn ? "warn " : "info ") + std::string(event);
        for (const Field& field : fields) {
            line += " " + std::string(field.key) + "=" + field.value;
        }
        lines.push_back(line);
    }
    std::vector<std::string> lines;
};

/// A shell script as destination, with a real loop and real processes.
class CommandHouse {
  public:
    explicit CommandHouse(const std::string& body) {
        static_cast<void>(std::signal(SIGPIPE, SIG_IGN));  // as main() does
        script(body);
    }

    /// Arguments behind the program.
    void script(const std::string& body, const std::vector<std::string>& arguments = {}) {
        const std::string file = dir / "program";
        test::write_whole(file, "#!/bin/sh\ncd '" + dir.path() + "' || exit 78\n" + body + "\n");
        EXPECT_EQ(::chmod(file.c_str(), 0700), 0);
        settings.argv = {Pattern::parse(file, {}).value()};
        for (const std::string& argument : arguments) {
            settings.argv.push_back(Pattern::parse(argument, mail::delivery_places()).value());
        }
        settings.name = "filter";
        settings.environment = {"PATH=/usr/bin:/bin"};
        sink_.reset();
    }

    MailSink& sink() {
        if (sink_ == nullptr) {
            sink_ = make_command_sink(*loop, *worker, log, settings);
        }
        return *sink_;
    }

    /// Runs the loop until it is so; false after a time in which it should have been.
    bool run_until(const std::function<bool()>& is_so) {
        const MonotonicTime begun = loop->now();
        std::function<void()> look;
        const auto timer = loop->make_timer([&] { look(); });
        look = [&] {
            if (is_so() || loop->now() - begun > 20s) {
                loop->stop();
            } else {
                timer->arm(2ms);
            }
        };
        timer->arm(Duration::zero());
        loop->run();
        return is_so();
    }
    [[nodiscard]] bool exists(const std::string& name) const {
        return std::filesystem::exists(dir / name);
    }
    std::string told(const Asked& asked) {
        run_until([&] { return asked.report.has_value(); });
        return asked.told();
    }

    test::TempDir dir;
    KeptLog log;
    CommandSettings settings;
    std::unique_ptr<event::Loop> loop = event::make_libevent_loop();
    std::unique_ptr<event::Worker> worker = event::make_thread_worker(*loop, 2);

  private:
    std::unique_ptr<MailSink> sink_;
};

/// Each delivery makes a file of its own, once it has read all.
class CommandPlace {
  public:
    MailSink& sink() { return house_.sink(); }
    /// As far as it gets: the program has all that it can have.
    void rest() {
        std::filesystem::remove(house_.dir / "begun");
        const auto delivery = house_.sink().deliver(envelope_to({"bob@example.org"}),
                                                    fetched("x\r\n"), [](const DeliveryReport&) {});
        house_.run_until([this] { return house_.exists("begun"); });
    }
    bool wait(const Asked& asked) {
        return house_.run_until([&] { return asked.report || asked.probed; });
    }
    std::size_t accepted() { return names_below(house_.dir / "taken").size(); }

  private:
    CommandHouse house_{"mkdir -p taken; touch begun; cat > $$; mv $$ taken/"};
};
INSTANTIATE_TYPED_TEST_SUITE_P(Command, SinkContract, CommandPlace);

class CommandSinkTest : public testing::Test {
  protected:
    std::unique_ptr<Asked> deliver(const std::vector<std::string>& to = {"bob@example.org"},
                                   const std::string& text = "A: b\r\n\r\nx\r\n",
                                   const std::string& sender = "ann@example.net") {
        auto asked = std::make_unique<Asked>();
        auto delivery = house.sink().deliver(
            envelope_to(to, sender), fetched(text),
            [to = asked.get()](DeliveryReport report) { to->report = report; });
        delivery->commit();
        asked->operation = std::move(delivery);
        return asked;
    }
    std::string told(const std::vector<std::string>& to = {"bob@example.org"}) {
        return house.told(*deliver(to));
    }
    std::string file(const std::string& name) { return test::read_whole(house.dir / name); }

    CommandHouse house{""};
};

//
TEST_F(CommandSinkTest, GetsTheMessageItsArgumentsAndTheVariablesItMayHave) {
    ASSERT_EQ(::setenv("POSTRIDER_CANARY", "secret", 1), 0);
    house.script("cat > in; echo \"$#|$1|$2\" > args; env > env",
                 {"{user}; rm -rf /", "{account}$HOME"});
    EXPECT_EQ(told({"bob@example.org"}), "delivered 0");
    EXPECT_EQ(file("in"),
              "Return-Path: <ann@example.net>\n"
              "X-Postrider-Id: 0123456789abcdef0123456789abcdef\n"
              "A: b\n\nx\n");
    EXPECT_EQ(file("args"), "2|bob; rm -rf /|alice-isp$HOME\n");
    EXPECT_THAT(
        file("env"),
        AllOf(HasSubstr("PATH=/usr/bin:/bin\n"), HasSubstr("SENDER=ann@example.net\n"),
              HasSubstr("RECIPIENT=bob@example.org\n"), HasSubstr("POSTRIDER_ACCOUNT=alice-isp\n"),
              HasSubstr(std::string("POSTRIDER_ID=") + kDeliveryId),
              testing::Not(HasSubstr("CANARY"))));
}

//
TEST_F(CommandSinkTest, ItsExitStatusDecides) {
    house.script("exit 75");
    EXPECT_EQ(told(), "later 0");
    house.script("cat > /dev/null; exit 67");
    EXPECT_EQ(told(), "refused 0");
    house.script("kill -9 $$");
    EXPECT_EQ(told(), "later 0");
}

TEST_F(CommandSinkTest, OneThatDoesNotReadToTheEndIsTakenAtItsWord) {
    house.script("exit 0");
    EXPECT_EQ(house.told(*deliver({"bob@example.org"}, std::string(1 << 20, 'x'))), "delivered 0");
}

TEST_F(CommandSinkTest, ALargeMessageIsWrittenAsFastAsItIsRead) {
    house.script("wc -c > size");
    EXPECT_EQ(house.told(*deliver({"bob@example.org"}, std::string(3 << 20, 'x'), "")),
              "delivered 0");
    EXPECT_EQ(std::stoul(file("size")), (3UL << 20U) + std::string("\nReturn-Path: <>\n").size() +
                                            std::string("X-Postrider-Id: \n").size() +
                                            std::string(kDeliveryId).size());
}

TEST_F(CommandSinkTest, IsRunForEachRecipientIfAnArgumentNamesOne) {
    house.script("echo \"$1\" >> runs; test \"$1\" != eve || exit 67", {"{user}"});
    EXPECT_EQ(told({"bob@example.org", "eve@example.org", "joe@example.org"}),
              "delivered 0, refused 0, delivered 0");
    EXPECT_EQ(file("runs"), "bob\neve\njoe\n");
    house.script("echo \"$RECIPIENT\" > runs");
    EXPECT_EQ(told({"bob@example.org", "eve@example.org"}), "delivered 0, delivered 0");
    EXPECT_EQ(file("runs"), "bob@example.org\neve@example.org\n");
}

//
TEST_F(CommandSinkTest, AnAddressThatWouldBeAnOptionIsRefused) {
    house.script("touch run", {"{recipient}"});
    EXPECT_EQ(told({"-oQ@example.org"}), "refused 0");
    EXPECT_FALSE(house.exists("run"));
    house.script("echo \"$1\" > run", {"--to={recipient}"});
    EXPECT_EQ(told({"-oQ@example.org"}), "delivered 0");
    EXPECT_EQ(file("run"), "--to=-oQ@example.org\n");
}

TEST_F(CommandSinkTest, TheFirstLinesOfItsComplaintAreLogged) {
    house.script("for i in 1 2 3 4 5 6 7 8 9 10 11; do echo \"line $i\" >&2; done; exit 67");
    const auto asked = deliver();
    EXPECT_EQ(house.told(*asked), "refused 0");
    EXPECT_THAT(asked->report->verdicts[0].text, HasSubstr("saying: line 1"));
    ASSERT_EQ(house.log.lines.size(), 10U);
    EXPECT_EQ(house.log.lines[9], std::string("warn command account=alice-isp destination=filter "
                                              "id=") +
                                      kDeliveryId + " stderr=line 10");
}

TEST_F(CommandSinkTest, WhatWritesWithoutEndDoesNotFillTheMemory) {
    house.script("yes | head -c 1000000 >&2");
    EXPECT_EQ(told(), "delivered 0");
}

TEST_F(CommandSinkTest, OneThatDoesNotEndIsEndedWithAllThatItStarted) {
    house.settings.timeout = 300ms;
    house.script("sleep 1000 & echo $! > pid; wait");
    const auto asked = deliver();
    EXPECT_EQ(house.told(*asked), "later 0");
    EXPECT_EQ(asked->report->verdicts[0].text, "did not end within 300ms");
    const pid_t descendant = std::stoi(file("pid"));
    EXPECT_TRUE(house.run_until([&] {
        std::ifstream stat("/proc/" + std::to_string(descendant) + "/stat");
        std::string number;
        std::string name;
        std::string state;
        return !(stat >> number >> name >> state) || state == "Z";
    }));
}

TEST_F(CommandSinkTest, ASuccessBeforeCommitIsToldAfterIt) {
    house.script("touch run");
    Asked asked;
    const auto delivery =
        house.sink().deliver(envelope_to({"bob@example.org"}), fetched("x\r\n"),
                             [&](DeliveryReport report) { asked.report = report; });
    ASSERT_TRUE(house.run_until([&] { return house.exists("run"); }));
    EXPECT_EQ(asked.told(), "nothing");
    delivery->commit();
    EXPECT_EQ(house.told(asked), "delivered 0");
}

TEST_F(CommandSinkTest, AFailureBeforeCommitIsToldAtOnce) {
    house.script("exit 75");
    Asked asked;
    const auto delivery =
        house.sink().deliver(envelope_to({"bob@example.org"}), fetched("x\r\n"),
                             [&](DeliveryReport report) { asked.report = report; });
    EXPECT_EQ(house.told(asked), "later 0");
}

TEST_F(CommandSinkTest, NoMoreProcessesRunAtOnceThanAllowed) {
    house.settings.processes = 2;
    house.script("mkdir -p on; touch on/$$; ls on | wc -l >> most; cat > /dev/null; rm on/$$");
    std::vector<std::unique_ptr<Asked>> all;
    for (int i = 0; i < 6; ++i) {
        all.push_back(deliver());
    }
    for (const auto& asked : all) {
        EXPECT_EQ(house.told(*asked), "delivered 0");
    }
    std::istringstream counts(file("most"));
    int runs = 0;
    for (int count = 0; counts >> count; ++runs) {
        EXPECT_LE(count, 2);
    }
    EXPECT_EQ(runs, 6);
}

TEST_F(CommandSinkTest, AMissingProgramIsAFaultOfTheDestination) {
    house.settings.argv = {Pattern::parse("/no/such/program", {}).value()};
    EXPECT_EQ(told(), "later 0; fault later");
    Asked asked;
    asked.operation = house.sink().probe([&](Expected<void> outcome) { asked.probed = outcome; });
    ASSERT_TRUE(house.run_until([&] { return asked.probed.has_value(); }));
    ASSERT_FALSE(*asked.probed);
    EXPECT_EQ(asked.probed->error().text,
              "there is no program /no/such/program, or it cannot be run");
}

}  // namespace
}  // namespace postrider::sink
