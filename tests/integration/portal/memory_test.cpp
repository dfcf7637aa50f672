// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/integration/portal/memory_layout.h"

using namespace portolan;

/// The promise of the small tier: sessions and limits of a busy portal stay in the green zone of a 30 MB plan.
class MemoryTest final : public QObject
{
    Q_OBJECT
private slots:
    void fitsTheGreenZone();
};

void MemoryTest::fitsTheGreenZone()
{
    const auto use = memory_layout::measure();
    const auto mb = [](std::int64_t bytes) { return double(bytes) / 1048576; };
    qInfo("empty %.2f MB, 100,000 sessions %.2f MB, with all windows of 15,000 users %.2f MB of 20 MB (1024^2 bytes)",
          mb(use.empty), mb(use.sessions), mb(use.all));
    QCOMPARE(use.failed, 0);
    QVERIFY(use.empty > 0);
    QVERIFY(use.all <= memory_layout::budget);
    const int keys = QString::fromStdString(use.keys).mid(1).trimmed().toInt();
    QVERIFY(keys >= memory_layout::sessionCount + memory_layout::userCount);
}

QTEST_GUILESS_MAIN(MemoryTest)
#include "memory_test.moc"
