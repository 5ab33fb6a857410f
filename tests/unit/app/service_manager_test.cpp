#include "app/daemon/service_manager.h"

#include <array>
#include <cstring>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/temp_dir.h"

namespace postrider::app {
namespace {

using namespace std::chrono_literals;

/// The socket of systemd.
class Listener {
  public:
    explicit Listener(std::string name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, name.data(), name.size());
        if (name.front() == '@') {
            address.sun_path[0] = '\0';
        }
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                         static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
                  0);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() { ::close(fd_); }

    /// Empty: nothing was said.
    std::string heard() {
        std::array<char, 512> buffer{};
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        return got < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(got));
    }

  private:
    int fd_;
};

config::Environment environment(std::map<std::string, std::string, std::less<>> variables) {
    return {std::move(variables), 1000};
}

TEST(ServiceManager, HearsWhatIsSaid) {
    const test::TempDir place;
    const std::string path = place / "notify";
    Listener systemd(path);
    const ServiceManager manager(environment({{"NOTIFY_SOCKET", path}}));
    manager.ready();
    EXPECT_EQ(systemd.heard(), "READY=1");
    manager.status("3 accounts");
    EXPECT_EQ(systemd.heard(), "STATUS=3 accounts");
    manager.reloading(MonotonicTime(5s + 7us));
    EXPECT_EQ(systemd.heard(), "RELOADING=1\nMONOTONIC_USEC=5000007");
    manager.watchdog();
    EXPECT_EQ(systemd.heard(), "WATCHDOG=1");
    manager.stopping();
    EXPECT_EQ(systemd.heard(), "STOPPING=1");
}

TEST(ServiceManager, MayListenOnAnAbstractName) {
    const std::string name = "@postrider-unit-" + std::to_string(::getpid());
    Listener systemd(name);
    ServiceManager(environment({{"NOTIFY_SOCKET", name}})).ready();
    EXPECT_EQ(systemd.heard(), "READY=1");
}

TEST(ServiceManager, NobodyListeningIsNoMatter) {
    ServiceManager(environment({})).ready();
    ServiceManager(environment({{"NOTIFY_SOCKET", "/nowhere/at/all"}})).ready();
    ServiceManager(environment({{"NOTIFY_SOCKET", "relative"}})).ready();
    ServiceManager(environment({{"NOTIFY_SOCKET", "/" + std::string(107, 'x')}})).ready();
}

TEST(ServiceManager, TheWatchdogIsMeantForOneProcess) {
    const std::string own = std::to_string(::getpid());
    EXPECT_EQ(ServiceManager(environment({{"WATCHDOG_USEC", "60000000"}})).watchdog_period(), 60s);
    EXPECT_EQ(ServiceManager(environment({{"WATCHDOG_USEC", "1000000"}, {"WATCHDOG_PID", own}}))
                  .watchdog_period(),
              1s);
    EXPECT_FALSE(ServiceManager(environment({{"WATCHDOG_USEC", "1000000"}, {"WATCHDOG_PID", "1"}}))
                     .watchdog_period());
    EXPECT_FALSE(ServiceManager(environment({{"WATCHDOG_USEC", "x"}})).watchdog_period());
    EXPECT_FALSE(ServiceManager(environment({{"WATCHDOG_USEC", "0"}})).watchdog_period());
}

}  // namespace
}  // namespace postrider::app
