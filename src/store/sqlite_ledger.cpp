// The ledger on SQLite: one file, one who writes, one who makes durable. Both are attendants:
// threads in the program.
//
//   loop             load, write, sync: queued in the order of the calls
//   writer           takes all that is queued, commits it in one transaction, checkpoints
//   group commit     fsyncs the log, then the marker of the installation
//
// Why a record is safe
// - `write` is done when COMMIT has returned. With synchronous=NORMAL in WAL mode that is a
//   write(2) of the changed pages, checksummed, to the end of the log (ledger.db-wal), without
//   fsync. The pages are in the kernel then: the death of this process cannot undo it.
// - `sync` is done when an fsync of the log that began after those commits has returned. After a
//   power cut SQLite replays the log up to the last commit whose frames all have good checksums;
//   all frames up to ours are on the disk, hence ours is replayed.
// - The log is reset. SQLite writes over its beginning only when a checkpoint has moved all of it
//   into ledger.db, and a checkpoint with synchronous=NORMAL fsyncs the log before it touches
//   ledger.db, and ledger.db before it calls the frames moved. So a frame that is lost to a reset
//   is on the disk in ledger.db. The first write after that gives the log a new header with a new
//   salt and fsyncs it before the frames behind it, so old frames cannot be taken for new ones.
// - The names of both files in the directory are fsynced at the opening.
//
// Why there is a mutex between checkpoint and fsync: the kernel tells an error of writing back once
// per open file. If the group commit's fsync takes it, a checkpoint that runs at the same time
// could see its own fsync succeed and build on pages that never reached the disk; and the other way
// round a waiter could be told "durable". The holder of the mutex looks for a failure first. A
// commit needs no mutex: it fsyncs only the header of a new log, before which nothing is awaited.
//
// What fails: a full disk or an I/O error rolls the transaction back, is told to the caller, and
// the next transaction begins afresh. A failed fsync, or damage found in the file, is final:
// everything fails from then on, and the log is left as it is for the next start to judge.
#include "postrider/store/sqlite_ledger.h"

#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include <SQLiteCpp/Transaction.h>

#include "store/callbacks.h"
#include "store/group_commit.h"
#include "store/ledger_file.h"
#include "store/ledger_parts.h"
#include "store/marker.h"
#include "store/records.h"
#include "store/sqlite_error.h"

namespace postrider::store {
namespace {

// Tickets are shared by the caller's operation and the work under way.
struct LoadRequest {
    std::string account;
    std::shared_ptr<Ticket<AccountRecords>> ticket;
};
struct WriteRequest {
    std::string account;
    std::vector<Change> changes;
    std::shared_ptr<Ticket<void>> ticket;
};
struct SyncRequest {
    std::shared_ptr<Ticket<void>> ticket;
};
using Request = std::variant<LoadRequest, WriteRequest, SyncRequest>;

class SqliteLedger final : public Ledger {
  public:
    /// Throws SQLite::Exception.
    SqliteLedger(event::Loop& loop, const StateDir& state, std::unique_ptr<LedgerFile> file,
                 const event::AttendantMaker& make_attendant);
    SqliteLedger(const SqliteLedger&) = delete;
    SqliteLedger& operator=(const SqliteLedger&) = delete;
    ~SqliteLedger() override;

    [[nodiscard]] std::unique_ptr<event::Operation> load(const std::string& account,
                                                         LoadDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> write(const std::string& account,
                                                          std::vector<Change> changes,
                                                          WriteDone done) override;
    [[nodiscard]] std::unique_ptr<event::Operation> sync(WriteDone done) override;
    [[nodiscard]] const Secret& installation_key() const override { return key_; }

    [[nodiscard]] Expected<void> write_marker() { return marker_.write_if_changed(); }

  private:
    void enqueue(Request request);

    // By the writer.
    void serve();
    void process(std::deque<Request> requests);
    void load_now(LoadRequest request);
    void write_now(std::vector<WriteRequest> requests);
    [[nodiscard]] Expected<void> commit(const WriteRequest* first, const WriteRequest* last);
    void wait_for_sync(std::vector<SyncRequest> requests);
    void checkpoint();

    /// By the group commit.
    [[nodiscard]] Expected<void> make_durable();

    /// A final failure is kept, and every later request gets it.
    void note_failure(const Error& error);

    Callbacks callbacks_;
    std::unique_ptr<LedgerFile> file_;
    const Secret key_;
    Records records_;
    Marker marker_;

    std::mutex wal_mutex_;  ///< one of checkpoint and fsync at a time
    GroupCommit group_commit_;

    std::mutex mutex_;
    std::deque<Request> requests_;  ///< guarded by mutex_
    std::unique_ptr<event::Attendant> writer_;
};

SqliteLedger::SqliteLedger(event::Loop& loop, const StateDir& state,
                           std::unique_ptr<LedgerFile> file,
                           const event::AttendantMaker& make_attendant)
    : callbacks_(loop),
      file_(std::move(file)),
      key_(read_installation_key(file_->database())),
      records_(file_->database()),
      marker_(state.descriptor(), state.path() + "/" + kMarkerName, file_->installation()),
      group_commit_([this] { return make_durable(); }, make_attendant),
      writer_(make_attendant([this] { serve(); })) {}

SqliteLedger::~SqliteLedger() {
    writer_->finish();
    group_commit_.finish();
    file_->set_checkpoint_at_close(!group_commit_.failed());
}

std::unique_ptr<event::Operation> SqliteLedger::load(const std::string& account, LoadDone done) {
    auto ticket = std::make_shared<Ticket<AccountRecords>>(std::move(done));
    auto operation = std::make_unique<TicketOperation<AccountRecords>>(ticket);
    enqueue(LoadRequest{account, std::move(ticket)});
    return operation;
}

std::unique_ptr<event::Operation> SqliteLedger::write(const std::string& account,
                                                      std::vector<Change> changes, WriteDone done) {
    auto ticket = std::make_shared<Ticket<void>>(std::move(done));
    auto operation = std::make_unique<TicketOperation<void>>(ticket);
    enqueue(WriteRequest{account, std::move(changes), std::move(ticket)});
    return operation;
}

std::unique_ptr<event::Operation> SqliteLedger::sync(WriteDone done) {
    auto ticket = std::make_shared<Ticket<void>>(std::move(done));
    auto operation = std::make_unique<TicketOperation<void>>(ticket);
    enqueue(SyncRequest{std::move(ticket)});
    return operation;
}

void SqliteLedger::enqueue(Request request) {
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
    }
    writer_->wake();
}

void SqliteLedger::serve() {
    std::deque<Request> requests;
    {
        const std::lock_guard lock(mutex_);
        requests.swap(requests_);
    }
    process(std::move(requests));
}

void SqliteLedger::process(std::deque<Request> requests) {
    std::vector<WriteRequest> writes;
    std::vector<SyncRequest> syncs;
    for (Request& request : requests) {
        if (auto* const write = std::get_if<WriteRequest>(&request)) {
            writes.push_back(std::move(*write));
        } else if (auto* const sync = std::get_if<SyncRequest>(&request)) {
            syncs.push_back(std::move(*sync));  // being late only makes it cover more
        } else {
            // What is not committed could still be rolled back: a reader must not see it.
            write_now(std::exchange(writes, {}));
            load_now(std::get<LoadRequest>(std::move(request)));
        }
    }
    write_now(std::move(writes));
    wait_for_sync(std::move(syncs));
    checkpoint();
}

void SqliteLedger::load_now(LoadRequest request) {
    Expected<AccountRecords> loaded;
    if (const auto failed = group_commit_.failed()) {
        loaded = failure(*failed);
    } else {
        loaded = catching_sqlite("cannot read the ledger " + file_->database().getFilename(),
                                 [&] { return records_.load(request.account); });
        if (!loaded) {
            note_failure(loaded.error());
        }
    }
    callbacks_.post({Callbacks::answer(std::move(request.ticket), std::move(loaded))});
}

void SqliteLedger::write_now(std::vector<WriteRequest> requests) {
    if (requests.empty()) {
        return;
    }
    std::vector<Callbacks::Call> answers;
    answers.reserve(requests.size());
    const WriteRequest* const first = requests.data();
    const WriteRequest* const last = first + requests.size();
    const Expected<void> together = commit(first, last);
    for (const WriteRequest* request = first; request != last; ++request) {
        // One that cannot be recorded must not take the others down: each for itself.
        const bool alone = !together && requests.size() > 1;
        answers.push_back(
            Callbacks::answer(request->ticket, alone ? commit(request, request + 1) : together));
    }
    callbacks_.post(std::move(answers));
}

Expected<void> SqliteLedger::commit(const WriteRequest* first, const WriteRequest* last) {
    if (const auto failed = group_commit_.failed()) {
        return failure(*failed);
    }
    SQLite::Database& database = file_->database();
    auto committed = catching_sqlite("cannot write the ledger " + database.getFilename(), [&] {
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        for (const WriteRequest* request = first; request != last; ++request) {
            records_.apply(request->account, request->changes);
        }
        transaction.commit();
    });
    const std::vector<std::string> new_accounts = records_.take_new_accounts();
    if (!committed) {
        records_.forget_cached();
        note_failure(committed.error());
        return committed;
    }
    marker_.add_accounts(new_accounts);
    group_commit_.written();
    return committed;
}

void SqliteLedger::wait_for_sync(std::vector<SyncRequest> requests) {
    if (requests.empty()) {
        return;
    }
    group_commit_.wait({[this, requests = std::move(requests)](const Expected<void>& result) {
        std::vector<Callbacks::Call> answers;
        answers.reserve(requests.size());
        for (const SyncRequest& request : requests) {
            answers.push_back(Callbacks::answer(request.ticket, result));
        }
        callbacks_.post(std::move(answers));
    }});
}

void SqliteLedger::checkpoint() {
    if (!file_->is_checkpoint_due()) {
        return;
    }
    const std::lock_guard lock(wal_mutex_);
    if (group_commit_.failed()) {
        return;
    }
    if (auto done = file_->checkpoint_if_due(); !done) {
        note_failure(done.error());
    }
}

Expected<void> SqliteLedger::make_durable() {
    {
        const std::lock_guard lock(wal_mutex_);
        if (const auto failed = group_commit_.failed()) {
            return failure(*failed);
        }
        if (auto synced = file_->sync_wal(); !synced) {
            note_failure(synced.error());  // while the mutex keeps a checkpoint out
            return synced;
        }
    }
    return marker_.write_if_changed();
}

void SqliteLedger::note_failure(const Error& error) {
    if (error.retry == Retry::never) {
        group_commit_.fail(error);
    }
}

}  // namespace

Expected<std::unique_ptr<Ledger>> open_ledger(event::Loop& loop, const StateDir& state,
                                              const LedgerOptions& options) {
    return open_ledger_with(loop, state, options,
                            {event::make_thread_attendant, octets_of_the_kernel});
}

Expected<std::unique_ptr<Ledger>> open_ledger_with(event::Loop& loop, const StateDir& state,
                                                   const LedgerOptions& options,
                                                   const LedgerParts& parts) {
    auto file = LedgerFile::open(state, options, parts.random_octets);
    if (!file) {
        return failure(file.error());
    }
    auto ledger = catching_sqlite("cannot open the ledger " + state.ledger_path(), [&] {
        return std::make_unique<SqliteLedger>(loop, state, *std::move(file), parts.make_attendant);
    });
    if (!ledger) {
        return failure(ledger.error());
    }
    if (auto marked = (*ledger)->write_marker(); !marked) {
        return failure(marked.error());
    }
    return *std::move(ledger);
}

}  // namespace postrider::store
