import Cohort
import Testing

@Suite struct SomePatientsTests {
  @Test func distinctPatientsAreCountedUpToTheLimit() {
    var patients = SomePatients()
    #expect(patients.isEmpty && patients.areNobodyOrAtLeast(10) && !patients.areAtLeast(1))
    for patient in [3, 3, 4, 3, 4] as [Int32] { patients.insert(patient) }
    #expect(patients == SomePatients([4, 3]) && patients.areAtLeast(2) && !patients.areAtLeast(3))
    var union = SomePatients([4, 5])
    union.formUnion(patients)
    #expect(union == SomePatients([3, 4, 5]))
    let limit = Int32(SomePatients.limit)
    #expect(!SomePatients(1..<limit).areAtLeast(SomePatients.limit))
    let many = SomePatients(0..<limit)
    #expect(many.areAtLeast(SomePatients.limit) && !many.areAtLeast(SomePatients.limit + 1))
    union.formUnion(many)
    #expect(union == many && !union.isEmpty)
  }
}
