#include "config/file_set.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <glob.h>

#include "postrider/config/load.h"

namespace postrider::config {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWildcards = "*?[";

/// What matches, sorted by octets: glob() itself would sort by locale.
std::vector<std::string> matches_of(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
        paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    }
    ::globfree(&found);
    std::sort(paths.begin(), paths.end());
    return paths;
}

std::string without_wildcards(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (kWildcards.find(c) != std::string_view::npos || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

class FileSet {
  public:
    explicit FileSet(Reader& reader) : reader_(reader) {}

    void read_main(const std::string& path) {
        add(path);
        const Entry* const include = reader_.files().front().root.find("include");
        if (include == nullptr || include->earlier) {
            return;
        }
        const Reader::Scope scope = reader_.enter("include");
        if (!reader_.expect_list(include->value)) {
            return;
        }
        const std::vector<Value>& patterns = include->value.items;
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            const Reader::Scope item_scope = reader_.enter(i);
            read_pattern(patterns[i], fs::path(path).parent_path());
        }
    }

    [[nodiscard]] bool is_complete() const { return is_complete_; }

  private:
    /// A pattern that can match nothing may match nothing; a plain name must be there.
    void read_pattern(const Value& value, const fs::path& directory) {
        std::string pattern;
        reader_.text(value, pattern);
        if (pattern.empty()) {
            return;
        }
        const bool has_wildcards = pattern.find_first_of(kWildcards) != std::string::npos;
        const std::string start =
            fs::path(pattern).is_absolute() ? "" : without_wildcards(directory.string());
        const std::vector<std::string> paths = matches_of(fs::path(start) / pattern);
        if (paths.empty() && !has_wildcards) {
            reader_.report(value, "there is no such file");
            is_complete_ = false;
        }
        for (const std::string& path : paths) {
            if (has_wildcards && fs::is_directory(path)) {
                continue;
            }
            add(path);
        }
    }

    void add(const std::string& path) {
        const auto index = static_cast<std::uint32_t>(reader_.files().size());
        auto content = read_file(path, kMaxFile);
        SourceFile file;
        file.name = path;
        std::error_code ignored;  // without a current directory the path stays as it was given
        const fs::path absolute = fs::absolute(path, ignored);
        file.directory = (ignored ? fs::path(path) : absolute).parent_path();
        if (!content) {
            reader_.add_file(std::move(file));
            reader_.report_file(index, {}, content.error().text);
            is_complete_ = false;
            return;
        }
        if (is_read(content->facts)) {
            return;
        }
        Document document = parse_document(std::move(content->bytes), index);
        file.facts = content->facts;
        file.root = std::move(document.root);
        reader_.add_file(std::move(file));
        for (DocumentFault& fault : document.faults) {
            reader_.report_file(index, fault.position, std::move(fault.text));
        }
        is_complete_ = is_complete_ && document.is_readable;
    }

    [[nodiscard]] bool is_read(const FileFacts& facts) const {
        return std::any_of(
            reader_.files().begin(), reader_.files().end(),
            [&facts](const SourceFile& file) { return file.facts.is_same_file(facts); });
    }

    Reader& reader_;
    bool is_complete_ = true;
};

}  // namespace

bool read_files(Reader& reader, const std::string& main_path) {
    FileSet files(reader);
    files.read_main(main_path);
    return files.is_complete();
}

}  // namespace postrider::config
