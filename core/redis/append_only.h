#pragma once

#include "core/api/result.h"

#include <filesystem>
#include <string>
#include <vector>

namespace portolan::redis {

/// The append-only files of an embedded Redis: a base, what was written since, and a manifest that lists both
/// (`appendonlydir/appendonly.aof.*`; https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/).
///
/// Redis starts empty, without a word, when the manifest is gone, and with less than there was when the manifest lists
/// less than that. So what a start and a stop have left is noted beside the folder (`appendonly.note`: a name and its
/// size a line), and the next start looks whether this can be it. Blocks; for one thread, while no Redis uses the
/// files.
class AppendOnly final
{
public:
    /// `directory`: of the embedded Redis, as ServerProcessOptions::dataDirectory.
    explicit AppendOnly(std::filesystem::path directory);

    /// Whether starting on these files gives what was left. Unavailable "redis-corrupt", which says what is missing.
    /// Damage inside a file is Redis' to find.
    Result<void> check() const;
    /// Notes what is there now; nothing where there is nothing. Written while Redis runs it may note too little, never
    /// too much, for the files only grow.
    void note() const;

    struct Mended
    {
        std::filesystem::path copy;     ///< of the folder as it was; empty: there was none
        std::vector<std::string> words; ///< what was done, a sentence each
    };
    /// Copies the folder beside itself; lists the files anew where the manifest is missing or lists what is not there;
    /// cuts a damaged file off at its last whole command, and leaves out what came after it. `checker`: the program
    /// redis-check-aof. Unavailable "redis-corrupt": the base is damaged or all files are gone, so nothing can be saved
    /// (the copy stays). Full, Unavailable: the copy cannot be made; nothing was touched.
    Result<Mended> mend(const std::string &checker = "redis-check-aof") const;
    /// Moves the folder aside, so that the next start is an empty one.
    Result<Mended> startEmpty() const;

    std::filesystem::path folder() const { return m_directory / "appendonlydir"; }

private:
    std::filesystem::path manifest() const { return folder() / "appendonly.aof.manifest"; }
    std::filesystem::path noteFile() const { return m_directory / "appendonly.note"; }
    Result<std::filesystem::path> keep(bool move) const;

    std::filesystem::path m_directory;
};

} // namespace portolan::redis
